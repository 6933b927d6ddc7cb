package dir

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// publish gives a complete file its name without replacing what has it; an
// error that is fs.ErrExist says that something has. The first way that the
// file system knows is taken:
//
//   - a hard link: every Unix file system, NFS
//   - a rename that refuses to replace: exFAT and FAT sticks, SMB
//   - a look and a rename: what is left (FUSE mounts of object stores). Here
//     two processes that put one name in the same instant can both succeed,
//     and the later one's stream is kept.
func publish(root *os.Root, temp, name string) error {
	err := root.Link(temp, name)
	if isUnsupported(err) {
		err = renameExclusive(root, temp, name)
	}
	if isUnsupported(err) {
		err = lookAndRename(root, temp, name)
	}
	return err
}

// isUnsupported: the file system does not know the call. It says so with
// EPERM for a link and EINVAL for a flag of rename.
func isUnsupported(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) ||
		errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EINVAL)
}

func lookAndRename(root *os.Root, temp, name string) error {
	_, err := root.Lstat(name)
	switch {
	case err == nil:
		return &fs.PathError{Op: "rename", Path: name, Err: fs.ErrExist}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return root.Rename(temp, name)
}

// withDir runs fn with a descriptor of the directory, for calls that os.Root
// does not have.
func withDir(root *os.Root, fn func(fd int) error) error {
	d, err := root.Open(".")
	if err != nil {
		return err
	}
	defer d.Close()
	return fn(int(d.Fd()))
}
