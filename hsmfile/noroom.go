package hsmfile

import (
	"errors"
	"syscall"
)

// NoRoom says whether an error is of a place that has no room for more: a full
// disk, a quota that is used up, a file that would be larger than a limit.
func NoRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}
