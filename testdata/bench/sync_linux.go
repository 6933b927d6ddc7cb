package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// datasync is what makes a commit durable.
func datasync(f *os.File) error { return unix.Fdatasync(int(f.Fd())) }
