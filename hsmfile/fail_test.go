package hsmfile

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"filehsm/hsmfile/internal/store"
)

// Who may only not read a file is not told to find a place to write.
func TestDeniedHints(t *testing.T) {
	eacces := &fs.PathError{Op: "open", Path: "base.hsm", Err: syscall.EACCES}
	for _, c := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("%w (%w)", store.ErrUnopened, eacces), "run this as the owner of base.hsm"},
		{fmt.Errorf("%w (%w)", store.ErrUnopened, syscall.EROFS), "the file system is read-only"},
		{eacces, "choose a place that you may write: base.hsm"},
	} {
		err := storeError("base.hsm", c.err)
		if hint := HintOf(err); !errors.Is(err, ErrDenied) || !strings.Contains(hint, c.want) {
			t.Errorf("%v: hint %q", err, hint)
		}
	}
}
