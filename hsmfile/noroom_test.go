package hsmfile

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"
)

// TestNoRoom: a full disk, a quota and a limit on the size of files are the
// same to the user, who is told to make room.
func TestNoRoom(t *testing.T) {
	for err, want := range map[error]bool{
		syscall.ENOSPC: true, syscall.EDQUOT: true, syscall.EFBIG: true,
		syscall.EIO: false, syscall.EROFS: false, syscall.EACCES: false, fs.ErrNotExist: false, nil: false,
	} {
		wrapped := fmt.Errorf("failed to write: %w", errors.Join(errors.New("x"), err))
		if got := NoRoom(wrapped); got != want {
			t.Errorf("%v: %t", err, got)
		}
		hint := HintOf(storeError("/mnt/x.hsm", wrapped))
		if got := strings.HasPrefix(hint, "free some space on the file system of /mnt/x.hsm"); got != want {
			t.Errorf("%v: the hint is %q", err, hint)
		}
	}
}
