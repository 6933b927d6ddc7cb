//go:build !linux

package main

import "os"

// datasync is what makes a commit durable.
func datasync(f *os.File) error { return f.Sync() }
