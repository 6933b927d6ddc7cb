package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// datasync is what bbolt calls to make a commit durable.
func datasync(f *os.File) error { return unix.Fdatasync(int(f.Fd())) }
