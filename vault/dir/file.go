package dir

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"syscall"

	"filehsm/vault"
	"filehsm/vault/internal/ctxio"
)

// digest is a SHA-256.
type digest [sha256.Size]byte

// openRegular opens a file for reading if it is a regular one; else
// vault.ErrMalformed. Lstat keeps us from links and from devices that act on
// being opened; O_NONBLOCK and the second look are for a file that was
// exchanged after it.
func openRegular(root *os.Root, name string) (*os.File, error) {
	before, err := root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !before.Mode().IsRegular() {
		return nil, notRegular(name)
	}
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	now, err := f.Stat()
	if err == nil && !os.SameFile(before, now) {
		err = notRegular(name)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func notRegular(name string) error {
	return fmt.Errorf("%w: %q is not a regular file", vault.ErrMalformed, name)
}

// hashFile returns the SHA-256 of a file, read from the medium where the
// system lets us: a page cache gives back what was written even from a disk
// that lost it.
func hashFile(ctx context.Context, root *os.Root, name string) (digest, error) {
	f, err := openRegular(root, name)
	if err != nil {
		return digest{}, err
	}
	defer f.Close()
	bypassCache(f)
	h := sha256.New()
	if err := copyBeside(h, ctxio.Reader(ctx, f)); err != nil {
		return digest{}, err
	}
	return digest(h.Sum(nil)), nil
}

// syncFile makes a file durable that somebody else wrote.
func syncFile(root *os.Root, name string) error {
	f, err := openRegular(root, name)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// syncDir makes the directory's names durable. Some network and FUSE file
// systems have no such call; there the name is as durable as they make it.
func syncDir(root *os.Root) error {
	d, err := root.Open(".")
	if err != nil {
		return err
	}
	defer d.Close()
	err = d.Sync()
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL) {
		return nil
	}
	return err
}
