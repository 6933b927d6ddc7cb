package filestore

import (
	"path/filepath"
	"testing"

	"filehsm/hsmfile/internal/store"
	"filehsm/hsmfile/internal/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return newStore(t, nil) })
}

// newStore creates an image with init's records and opens it.
func newStore(t testing.TB, init func(store.Writer) error) *Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.hsm")
	if init == nil {
		init = func(store.Writer) error { return nil }
	}
	if err := Create(t.Context(), path, init); err != nil {
		t.Fatalf("Create: %v", err)
	}
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return s
}
