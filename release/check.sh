#!/bin/sh
# Checks the release without making one: the configuration, a whole build of
# the last commit, what is in it, and that a second build elsewhere, with an
# empty cache, gives the same bytes. Leaves dist/ as the release would be.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
say() { printf '\n== %s\n' "$*"; }

# The newest that builds with this version of Go.
goreleaser=github.com/goreleaser/goreleaser/v2@v2.15.0

work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
say "build $goreleaser"
GOBIN=$work/bin go install "$goreleaser"

say "check the configuration"
"$work/bin/goreleaser" check

# A clone has what is committed and nothing else, and no remote that asks.
commit=$(git rev-parse HEAD)
build() { # DIRECTORY
	git clone -q "$root" "$1"
	(cd "$1" && git checkout -q "$commit" && "$work/bin/goreleaser" release --snapshot --clean)
}
say "build everything"
build "$work/a"
say "build everything again, elsewhere"
GOCACHE=$work/cache build "$work/another/directory"

say "compare"
cd "$work/a/dist"
cat checksums.txt
sha256sum -c --quiet checksums.txt
[ "$(wc -l <checksums.txt)" -eq 8 ] || { echo "not four archives and four bills of materials" >&2; exit 1; }
cmp checksums.txt "$work/another/directory/dist/checksums.txt"

say "look into the archives"
for system in linux_amd64 linux_arm64 darwin_amd64 darwin_arm64; do
	archive=$(ls filehsm_*_"$system".tar.gz)
	mkdir "$work/$system"
	tar -xzf "$archive" -C "$work/$system" --strip-components 1
	for file in filehsm README.md LICENSE SECURITY.md CHANGELOG.md FORMAT.md man/filehsm.1 \
		completions/filehsm.bash completions/_filehsm completions/filehsm.fish; do
		[ -s "$work/$system/$file" ] || { echo "$archive has no $file" >&2; exit 1; }
	done
	grep -q '"name": "filippo.io/age"' "${archive%.tar.gz}.cdx.json" || { echo "$system: the bill of materials lacks age" >&2; exit 1; }
	! grep -qF "$work" "$work/$system/filehsm" || { echo "$archive names the directory that it was built in" >&2; exit 1; }
	echo "$archive"
done

say "run what runs here"
here=$work/$(go env GOOS)_$(go env GOARCH)
[ ! -x "$here/filehsm" ] || "$here/filehsm" --version | tee "$work/version"
grep -q 'snapshot' "$work/version" || { echo "the version does not come from the tag" >&2; exit 1; }
# Static: no other file is needed to start it.
if command -v readelf >/dev/null && [ -x "$work/linux_amd64/filehsm" ]; then
	for system in linux_amd64 linux_arm64; do
		! readelf -lW "$work/$system/filehsm" | grep -q INTERP || { echo "$system is not static" >&2; exit 1; }
		! readelf -SW "$work/$system/filehsm" | grep -qE '\.(symtab|debug_info)' || { echo "$system is not stripped" >&2; exit 1; }
	done
fi

cd "$root"
rm -rf dist
mv "$work/a/dist" dist
"$work/a/release/stamp.sh" >"$root/release/checked" # of what was checked, which is what is committed
say "the release can be made; commit release/checked"
