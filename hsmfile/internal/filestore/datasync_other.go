//go:build !linux

package filestore

import "os"

// datasync is what the system has; on macOS F_FULLFSYNC, which empties the
// medium's cache as well. If it fails, the system's own cache cannot be dropped
// here: what the next commit of the same Store writes again is all there is.
func datasync(file *os.File) error { return file.Sync() }
