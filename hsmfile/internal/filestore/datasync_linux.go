package filestore

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// datasync is fdatasync(2): the time of change need not be durable. If it fails,
// what the cache has may be on no disk and yet pass for clean: whoever reads next
// is to ask the disk.
func datasync(file *os.File) error {
	for {
		err := unix.Fdatasync(int(file.Fd()))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			_ = unix.Fadvise(int(file.Fd()), 0, 0, unix.FADV_DONTNEED)
		}
		return os.NewSyscallError("fdatasync", err)
	}
}
