# The short forms run in .ci/run; the long ones are for a quiet machine.

.PHONY: build test race fuzz flips crash power tamper bench reproducible release-check

# Without the tag the program is the same and starts a millisecond later: the
# command-line library makes itself ready to write documentation.
build:
	CGO_ENABLED=0 go build -trimpath -tags urfave_cli_no_docs -o filehsm .

test:
	go vet ./...
	go test ./...

race:
	go test -race ./...

# Every fuzz target for FUZZTIME each.
FUZZTIME ?= 60s
fuzz:
	@for pkg in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			echo "$$pkg $$target"; \
			go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
		done; \
	done

# 32,768 damaged images: no crash, no hang.
flips:
	FILEHSM_FLIPS=32768 go test -timeout 30m -run TestDamage ./hsmfile/internal/filestore

# Every command that writes, killed and refused at every system call, and the
# power lost after each. CI does a third of it.
crash:
	FILEHSM_CRASH=all CGO_ENABLED=0 go test -timeout 3h -run '^(TestCrash|TestPowerLoss)$$' -v ./commands

# Commits of several processes, killed, refused and with the power lost in any
# order, on 300 images. CI does six.
power:
	FILEHSM_POWER=300 go test -timeout 1h -run 'TestPower$$' ./hsmfile/internal/filestore

# Every byte of an image, of a manifest and of a backup flipped, every two pages
# of an image exchanged. CI does a sample of it; all of it takes twenty minutes
# on two cores. The five parts run side by side: a small one that came last
# would leave cores idle.
tamper:
	FILEHSM_TAMPER=all go test -timeout 3h -parallel 5 -run 'TestTamper$$' -v ./commands

bench:
	go test -run '^$$' -bench . ./hsmfile/...

# The program of the last commit, built twice in different directories.
reproducible:
	release/reproducible.sh

# The whole release of the last commit, built twice and compared; ten minutes.
release-check:
	release/check.sh

# The table in README.md, "How fast".
bench-table:
	testdata/bench/run.sh
