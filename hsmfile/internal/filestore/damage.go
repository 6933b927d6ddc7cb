package filestore

import (
	"fmt"
	"runtime/debug"

	"filehsm/hsmfile/internal/store"
)

// damaged makes an error that says what is wrong with the image.
func damaged(format string, args ...any) error {
	return fmt.Errorf("image is %w: %s", store.ErrDamaged, fmt.Sprintf(format, args...))
}

// contained runs fn, in which bbolt works on the mapped file, and makes damage
// of its panics and of the faults that a wrong page causes. No code of a
// caller runs inside, so nobody's own panic is swallowed.
func contained(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = damaged("bbolt gave up: %v", p)
		}
	}()
	return fn()
}
