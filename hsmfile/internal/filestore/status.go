package filestore

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// status is what the system says of a file. Of os.FileInfo it is the part that
// we compare, and one more: the time of any change, which nobody can set.
type status struct {
	device, inode     uint64
	mode              uint32
	size              int64
	modified, changed timespec
}

// timespec is in seconds since 1970 and nanoseconds.
type timespec struct{ seconds, nanoseconds int64 }

func statusOf(file *os.File) (status, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &st); err != nil {
		return status{}, fmt.Errorf("failed to examine the image: %w", err)
	}
	return newStatus(&st), nil
}

func statusAt(path string) (status, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return status{}, fmt.Errorf("failed to examine the image: %w", err)
	}
	return newStatus(&st), nil
}

func newStatus(st *unix.Stat_t) status {
	s := status{device: uint64(st.Dev), inode: uint64(st.Ino), mode: uint32(st.Mode), size: st.Size}
	s.modified.seconds, s.modified.nanoseconds = st.Mtim.Unix()
	s.changed.seconds, s.changed.nanoseconds = st.Ctim.Unix()
	return s
}

func (a status) sameFile(b status) bool { return a.device == b.device && a.inode == b.inode }

func (a status) regular() bool { return a.mode&unix.S_IFMT == unix.S_IFREG }
