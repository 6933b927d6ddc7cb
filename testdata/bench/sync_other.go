//go:build !linux

package main

import "os"

// datasync is what bbolt calls to make a commit durable.
func datasync(f *os.File) error { return f.Sync() }
