package filestore

import (
	"os"
	"path/filepath"
	"testing"

	"filehsm/hsmfile/internal/store"
)

// TestLeftBehind: making an image removes what killed processes left of making
// the same one, and nothing else: not what another is making just now.
func TestLeftBehind(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.hsm")
	random := "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	for _, name := range []string{".a.hsm." + random + ".tmp", ".a.hsm.2" + random[1:] + ".tmp", ".b.hsm." + random + ".tmp", ".a.hsm.mine.tmp", ".a.hsm." + random} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	living, err := newTemporary(path)
	if err != nil {
		t.Fatal(err)
	}
	defer living.Close()
	if err := Create(t.Context(), path, putOne); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(living.Name()); err != nil {
		t.Errorf("what somebody is making was removed: %v", err)
	}
	if err := os.Remove(living.Name()); err != nil {
		t.Fatal(err)
	}
	wantNames(t, dir, ".a.hsm."+random, ".a.hsm.mine.tmp", ".b.hsm."+random+".tmp", "a.hsm")
}

// TestCreateIsLocked: what is being made is locked until it has its name.
func TestCreateIsLocked(t *testing.T) {
	dir := t.TempDir()
	err := Create(t.Context(), filepath.Join(dir, "a.hsm"), func(store.Writer) error {
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 1 {
			t.Fatalf("%d files, %v", len(entries), err)
		}
		name := filepath.Join(dir, entries[0].Name())
		if leftBehind(name) {
			t.Errorf("%s looks left behind", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
