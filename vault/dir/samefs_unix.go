//go:build unix

package dir

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// SameFilesystem reports whether path and other, which both exist, lie on one
// file system, and so would be lost together. False is no promise: two
// partitions of one disk, or two btrfs subvolumes, are two file systems.
func SameFilesystem(path, other string) (bool, error) {
	a, errA := os.Stat(path)
	b, errB := os.Stat(other)
	if err := errors.Join(errA, errB); err != nil {
		return false, fmt.Errorf("failed to compare file systems: %w", err)
	}
	// *syscall.Stat_t is what os.Stat documents for Sys on Unix.
	return a.Sys().(*syscall.Stat_t).Dev == b.Sys().(*syscall.Stat_t).Dev, nil
}
