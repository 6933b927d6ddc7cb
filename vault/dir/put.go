package dir

import (
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

// Put implements vault.Vault:
//
//  1. open the directory and check its id
//  2. create a temporary file in it, exclusively, mode 0600
//  3. write it; sync; close
//  4. read it back through a fresh open and compare its hash
//  5. give it its name without replacing anything   ← commit point
//  6. remove the temporary name; sync the directory
//
// Killed before 5, a put leaves a temporary file, which List does not see and
// a put of a later day removes; killed after it, the stream is there. An
// error in 6 leaves the stream in place: putting it again compares and syncs.
func (v *Vault) Put(ctx context.Context, name string, r io.Reader, sum [sha256.Size]byte) error {
	if err := v.put(ctx, name, r, sum); err != nil {
		return fmt.Errorf("failed to put %q into vault %q: %w", name, v.path, err)
	}
	return nil
}

func (v *Vault) put(ctx context.Context, name string, r io.Reader, sum digest) error {
	if err := vault.CheckName(name); err != nil {
		return err
	}
	root, err := v.enter(ctx) // 1
	if err != nil {
		return err
	}
	defer root.Close()
	temp := newTempName()
	defer root.Remove(temp) // whatever happens, a panicking reader included

	if err := writeVerified(ctx, root, temp, 0o600, ctxio.Reader(ctx, r), sum); err != nil { // 2–4
		return err
	}
	removeLeftovers(root, temp)
	if err := commit(ctx, root, temp, name, sum); err != nil { // 5
		return err
	}
	root.Remove(temp) // 6; if it stays it is a leftover, not a failure
	return syncDir(root)
}

// writeVerified writes a new file and reads it back: steps 2 to 4 of Put.
func writeVerified(ctx context.Context, root *os.Root, name string, perm os.FileMode, r io.Reader, sum digest) error {
	if err := writeNew(root, name, perm, r); err != nil {
		return err
	}
	found, err := hashFile(ctx, root, name)
	if err != nil {
		return fmt.Errorf("failed to read back: %w", err)
	}
	if found != sum {
		return vault.ErrDiffers
	}
	return nil
}

// commit gives temp the name, or finds a stream there with the same content.
// A network mount can say "exists" to the very link it made (the reply was
// lost and the request sent again); the comparison answers that too.
func commit(ctx context.Context, root *os.Root, temp, name string, sum digest) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := publish(root, temp, name)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	found, err := hashFile(ctx, root, name)
	if err != nil {
		return fmt.Errorf("failed to compare with the stream already there: %w", err)
	}
	if found != sum {
		return vault.ErrExists
	}
	return syncFile(root, name)
}
