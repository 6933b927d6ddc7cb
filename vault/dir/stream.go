package dir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"filehsm/vault"
	"filehsm/vault/internal/ctxio"
)

// Open implements vault.Vault. Something under the name that is not a regular
// file is vault.ErrMalformed.
func (v *Vault) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	root, f, err := v.openStream(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("failed to open %q in vault %q: %w", name, v.path, err)
	}
	root.Close()
	return ctxio.ReadCloser(ctx, f), nil
}

// Remove implements vault.Vault; it refuses what Open refuses.
func (v *Vault) Remove(ctx context.Context, name string) error {
	root, f, err := v.openStream(ctx, name)
	if err == nil {
		f.Close()
		err = removeSynced(root, name)
		root.Close()
	}
	if err != nil {
		return fmt.Errorf("failed to remove %q from vault %q: %w", name, v.path, err)
	}
	return nil
}

func removeSynced(root *os.Root, name string) error {
	if err := root.Remove(name); err != nil {
		return notFound(err)
	}
	return syncDir(root)
}

// openStream opens the directory and a stream in it; the caller closes both.
func (v *Vault) openStream(ctx context.Context, name string) (*os.Root, *os.File, error) {
	if err := vault.CheckName(name); err != nil {
		return nil, nil, err
	}
	root, err := v.enter(ctx)
	if err != nil {
		return nil, nil, err
	}
	f, err := openRegular(root, name)
	if err != nil {
		root.Close()
		return nil, nil, notFound(err)
	}
	return root, f, nil
}

func notFound(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", vault.ErrNotFound, err)
	}
	return err
}
