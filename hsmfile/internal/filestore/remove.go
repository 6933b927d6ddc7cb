package filestore

import (
	"fmt"
	"os"
	"path/filepath"
)

// Remove takes an image and its gate away, for a caller who has just made it
// and could not fill it.
func Remove(path string) error {
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("failed to remove what was made: %w", err)
	}
	os.Remove(path + ".lock") // the gate is for fairness only
	return syncDirectory(filepath.Dir(path))
}
