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
)

// readID returns the id in the directory's id file. vault.ErrNotMounted: it
// has none.
func readID(root *os.Root) (string, error) {
	f, err := openRegular(root, vault.IDFile)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%w: no file %q in it", vault.ErrNotMounted, vault.IDFile)
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, int64(vault.MaxIDFile)+1))
	if err != nil {
		return "", err
	}
	return vault.ParseID(text)
}

// writeID writes the id file in the way of a stream: whole, read back, and
// never over another one, so that of two that make the same directory a vault
// one finds the other's id.
func writeID(ctx context.Context, root *os.Root, id string) error {
	text, err := vault.FormatID(id)
	if err != nil {
		return err
	}
	temp := newTempName()
	defer root.Remove(temp)
	if err := writeVerified(ctx, root, temp, textMode, bytes.NewReader(text), sha256.Sum256(text)); err != nil {
		return err
	}
	err = publish(root, temp, vault.IDFile)
	if errors.Is(err, fs.ErrExist) {
		return checkID(root, id)
	}
	return err
}

// checkID returns nil if the directory has this id.
func checkID(root *os.Root, want string) error {
	found, err := readID(root)
	if err == nil && found != want {
		return otherVault(found, want)
	}
	return err
}
