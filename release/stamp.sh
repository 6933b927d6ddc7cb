#!/bin/sh
# One hash of all that the release check depends on beside the sources. The one
# of the last successful check is in release/checked: the gate runs the check
# again when they differ, whichever commit that change came with.
set -eu
cd "$(dirname "$0")/.."
cat .goreleaser.yml go.mod release/files.sh release/sbom/main.go | sha256sum | cut -d' ' -f1
