#!/bin/sh
# Builds the program of the last commit twice, in directories of different
# names and lengths, and compares the bytes. With "cold" the second build finds
# nothing in the cache that the first one left: slower, and proves that the
# compiler says the same twice, too.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
commit=$(git rev-parse HEAD) # another commit may come while we build
build() { # DIRECTORY
	mkdir -p "$1"
	git archive "$commit" | tar -x -C "$1"
	(cd "$1" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags urfave_cli_no_docs \
		-ldflags '-s -w -X filehsm/commands.version=0.0.0' -o filehsm .)
}
build "$work/a"
[ "${1-}" != cold ] || export GOCACHE="$work/cache"
build "$work/another/directory"
cmp "$work/a/filehsm" "$work/another/directory/filehsm"
if grep -q "$work" "$work/a/filehsm"; then
	echo "the program names the directory that it was built in" >&2
	exit 1
fi
"$work/a/filehsm" --version
sha256sum <"$work/a/filehsm"
