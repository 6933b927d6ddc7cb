//go:build !linux

package filestore

import "os"

// datasync is what the system has; on macOS F_FULLFSYNC, which empties the
// medium's cache as well.
func datasync(file *os.File) error { return file.Sync() }
