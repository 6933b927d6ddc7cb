//go:build !unix

package dir

import (
	"errors"
	"fmt"
)

// SameFilesystem is not known here; it returns errors.ErrUnsupported.
func SameFilesystem(path, other string) (bool, error) {
	return false, fmt.Errorf("failed to compare file systems: %w", errors.ErrUnsupported)
}
