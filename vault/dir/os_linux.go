package dir

import (
	"os"

	"golang.org/x/sys/unix"
)

// renameExclusive renames and refuses to replace.
func renameExclusive(root *os.Root, from, to string) error {
	return withDir(root, func(fd int) error {
		err := unix.Renameat2(fd, from, fd, to, unix.RENAME_NOREPLACE)
		return os.NewSyscallError("renameat2", err)
	})
}

// bypassCache drops the file's clean pages, best effort, so that the reads
// that follow come from the medium.
func bypassCache(f *os.File) {
	unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
}
