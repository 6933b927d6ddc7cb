package filestore

import (
	"errors"
	"io/fs"
	"syscall"
	"testing"

	"filehsm/hsmfile/internal/store"
)

// What the system denies is told once, in its own words.
func TestDenied(t *testing.T) {
	err := openError(&fs.PathError{Op: "open", Path: "base.hsm", Err: syscall.EACCES})
	if err.Error() != "failed to open the image: open base.hsm: permission denied" {
		t.Error(err)
	}
	for _, kind := range []error{store.ErrPermission, store.ErrUnopened, fs.ErrPermission, syscall.EACCES} {
		if !errors.Is(err, kind) {
			t.Errorf("%v is not %v", err, kind)
		}
	}
}
