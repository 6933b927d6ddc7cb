package dir

import (
	"bytes"
	"context"
	"fmt"
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
	if _, err := writeVerified(ctx, root, temp, textMode, r); err != nil {
		return err
	}
	if err := root.Rename(temp, vault.RestoreFile); err != nil {
		return err
	}
	return syncDir(root)
}
