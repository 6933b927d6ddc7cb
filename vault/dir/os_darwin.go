package dir

import (
	"os"

	"golang.org/x/sys/unix"
)

// renameExclusive renames and refuses to replace.
func renameExclusive(root *os.Root, from, to string) error {
	return withDir(root, func(fd int) error {
		err := unix.RenameatxNp(fd, from, fd, to, unix.RENAME_EXCL)
		return os.NewSyscallError("renameatx_np", err)
	})
}

// bypassCache makes the reads that follow come from the medium, best effort.
func bypassCache(f *os.File) {
	unix.FcntlInt(f.Fd(), unix.F_NOCACHE, 1)
}
