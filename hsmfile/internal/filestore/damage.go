package filestore

import (
	"fmt"

	"filehsm/hsmfile/internal/store"
)

// damaged makes an error that says what is wrong with the image.
func damaged(format string, args ...any) error {
	return fmt.Errorf("image is %w: %s", store.ErrDamaged, fmt.Sprintf(format, args...))
}
