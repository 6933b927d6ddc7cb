package commands

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	"filehsm/hsmfile"
	"filehsm/vault"
)

// What is wrong with a vault reads well on the page of status, with a hint and
// without one.
func TestRefusedVault(t *testing.T) {
	in := func(err error) error { return fmt.Errorf("failed to open it: %w", err) }
	p := &place{info: hsmfile.VaultInfo{Name: "usb", Location: "/mnt/usb"}}
	for _, c := range []struct {
		err  error
		code int
		want string
	}{
		{in(syscall.EIO), 1, `vault "usb" at /mnt/usb: input/output error`},
		{in(syscall.EROFS), 8, `vault "usb" at /mnt/usb: read-only file system; the file system is read-only: mount it for writing`},
		{in(&fs.PathError{Op: "open", Path: "/mnt/usb", Err: syscall.EACCES}), 8,
			`vault "usb" at /mnt/usb: open /mnt/usb: permission denied; run this as a user who may read and write that directory, or give it to him`},
		{in(vault.ErrNotMounted), 6,
			`vault "usb" at /mnt/usb: vault not mounted; mount it and repeat; if it has moved: filehsm vault remove, then filehsm vault add with the new directory`},
	} {
		err := p.refused(c.err)
		if got := withHint(err); got != c.want || exitCode(err) != c.code || !errors.Is(err, c.err) && !errors.Is(err, errors.Unwrap(c.err)) {
			t.Errorf("exit %d, %q", exitCode(err), got)
		}
	}
}
