package dir

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"filehsm/vault"
	"filehsm/vault/internal/ctxio"
)

// SetRestoreText replaces the vault's text for people (vault.RestoreFile): the
// file has the old text or the new one, whatever happens.
func (v *Vault) SetRestoreText(ctx context.Context, text []byte) error {
	root, err := v.enter(ctx)
	if err == nil {
		err = replaceText(ctx, root, text)
		root.Close()
	}
	if err != nil {
		return fmt.Errorf("failed to write %q in vault %q: %w", vault.RestoreFile, v.path, err)
	}
	return nil
}

func replaceText(ctx context.Context, root *os.Root, text []byte) error {
	temp := newTempName()
	defer root.Remove(temp)
	r := ctxio.Reader(ctx, bytes.NewReader(text))
	if err := writeVerified(ctx, root, temp, textMode, r, sha256.Sum256(text)); err != nil {
		return err
	}
	if err := root.Rename(temp, vault.RestoreFile); err != nil {
		return err
	}
	return syncDir(root)
}

// RestoreText returns the vault's text for people, nil if there is none, at
// most 64 KiB of it: anybody can have put another one there.
func (v *Vault) RestoreText(ctx context.Context) ([]byte, error) {
	text, err := v.readText(ctx)
	if err != nil {
		return nil, fmt.Errorf("failed to read %q in vault %q: %w", vault.RestoreFile, v.path, err)
	}
	return text, nil
}

func (v *Vault) readText(ctx context.Context) ([]byte, error) {
	root, err := v.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := openRegular(root, vault.RestoreFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, 64<<10))
}
