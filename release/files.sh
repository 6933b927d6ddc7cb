#!/bin/sh
# Writes what goes into the archives and is made by the program itself.
set -eu
cd "$(dirname "$0")/.."
version=${1:?usage: release/files.sh VERSION}
rm -rf build
mkdir -p build/completions build/man
program=$(mktemp)
trap 'rm -f "$program"' EXIT
CGO_ENABLED=0 GOOS= GOARCH= go build -trimpath -buildvcs=false -tags urfave_cli_no_docs -ldflags "-X filehsm/commands.version=$version" -o "$program" .
"$program" completion bash >build/completions/filehsm.bash
"$program" completion zsh >build/completions/_filehsm
"$program" completion fish >build/completions/filehsm.fish
"$program" man >build/man/filehsm.1
