#!/bin/sh
# How fast filehsm is: one table, made on this machine, on a disk and in memory.
#
#	testdata/bench/run.sh [DIRECTORY...]
#
# The images are made in each DIRECTORY; without one, in the temporary
# directory and in /dev/shm. What is not installed (age, SoftHSM2, pkcs11-tool,
# a C compiler) is named, and its rows are left out. SOFTHSM_KEYS (10,000) and
# RUNS (5) make it shorter.
set -eu
cd "$(dirname "$0")/../.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

CGO_ENABLED=0 go build -trimpath -tags urfave_cli_no_docs -ldflags '-s -w' -o "$work/filehsm" .
CGO_ENABLED=0 go build -trimpath -tags urfave_cli_no_docs -ldflags '-s -w' -o "$work/cheap" ./testdata/bench/cheap
go build -o "$work/bench" ./testdata/bench
if command -v cc >/dev/null; then
	cc -O2 -o "$work/p11loop" testdata/bench/p11loop/loop.c -ldl
fi

if [ $# -eq 0 ]; then
	set -- "${TMPDIR:-/tmp}"
	[ ! -d /dev/shm ] || set -- "$@" /dev/shm
fi
"$work/bench" "$work" "$@"
