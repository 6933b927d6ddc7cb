// Package dir is a vault in a directory: a disk, a USB stick, a network mount.
//
// In the directory lie the streams, each a regular file of mode 0600 under its
// own name, the id file (vault.IDFile), a text for people (vault.RestoreFile)
// and nothing else, so that any copying tool makes a copy that is a vault.
// Names with a dot in front are puts under way or killed. There is no lock,
// no index and no absolute path inside.
//
// Rules that keep it safe:
//
//   - Each operation opens the directory anew, checks the id through that one
//     handle and works through it. An unmounted disk is ErrNotMounted, and a
//     disk cannot be changed for another between check and write.
//   - Only regular files are opened, never through a symbolic link and never
//     waiting: who can write to the directory can leave a FIFO in it.
//   - A stream is complete, synced and read back before it has its name.
package dir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"filehsm/vault"
)

// Vault is a directory that is a vault. It holds no open file.
type Vault struct {
	path string // absolute
	id   string
}

var _ vault.Vault = (*Vault)(nil)

// Open returns the vault in the directory path if it has this id; else
// vault.ErrNotMounted, ErrOtherVault, ErrMalformed, or the system's error.
func Open(path, id string) (*Vault, error) {
	v, err := OpenAny(path)
	if err != nil {
		return nil, err
	}
	if v.id != id {
		return nil, fmt.Errorf("failed to open vault %q: %w", path, otherVault(v.id, id))
	}
	return v, nil
}

// OpenAny returns the vault in the directory path, whatever its id: for a
// restore on a machine that has never seen it. Errors are Open's.
func OpenAny(path string) (*Vault, error) {
	root, abs, err := openRoot(path)
	if err != nil {
		return nil, fmt.Errorf("failed to open vault %q: %w", path, err)
	}
	defer root.Close()
	id, err := readID(root)
	if err != nil {
		return nil, fmt.Errorf("failed to open vault %q: %w", path, err)
	}
	return &Vault{path: abs, id: id}, nil
}

// ID returns the id in the vault's id file.
func (v *Vault) ID() string { return v.id }

// Path returns the directory's absolute path.
func (v *Vault) Path() string { return v.path }

// enter opens the directory for one operation, after checking that it is
// still this vault. The caller closes.
func (v *Vault) enter(ctx context.Context) (*os.Root, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	root, _, err := openRoot(v.path)
	if err != nil {
		return nil, err
	}
	id, err := readID(root)
	if err == nil && id != v.id {
		err = otherVault(id, v.id)
	}
	if err != nil {
		root.Close()
		return nil, err
	}
	return root, nil
}

// openRoot opens a directory and returns its absolute path with it. The
// separator at the end makes the kernel refuse what is not a directory; a
// FIFO without it would be waited for.
func openRoot(path string) (*os.Root, string, error) {
	if path == "" {
		return nil, "", fmt.Errorf("%w: empty path", vault.ErrNotMounted)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, "", err
	}
	root, err := os.OpenRoot(abs + string(filepath.Separator))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		err = fmt.Errorf("%w: %w", vault.ErrNotMounted, err)
	}
	return root, abs, err
}

func otherVault(found, want string) error {
	return fmt.Errorf("%w: id %q, not %q", vault.ErrOtherVault, found, want)
}
