package dir_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"filehsm/vault"
	"filehsm/vault/dir"
)

func TestInit(t *testing.T) {
	path := t.TempDir()
	for _, text := range []string{"first\n", "second\n"} {
		v, err := dir.Init(path, testID, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if v.ID() != testID || v.Path() != path {
			t.Errorf("the vault is %q in %q", v.ID(), v.Path())
		}
		wantFile(t, filepath.Join(path, "vault.id"), "filehsm vault 1\nTEST-ID\n", 0o644)
		wantFile(t, filepath.Join(path, "RESTORE.txt"), text, 0o644)
	}
	_, err := dir.Init(path, "ANOTHER", nil)
	wantError(t, err, vault.ErrOtherVault)
	wantFile(t, filepath.Join(path, "RESTORE.txt"), "second\n", 0o644)
}

func TestInitRefuses(t *testing.T) {
	path := t.TempDir()
	for _, c := range []struct {
		name, path, id string
		want           error
	}{
		{"missing directory", filepath.Join(path, "missing"), testID, vault.ErrNotMounted},
		{"empty path", "", testID, vault.ErrNotMounted},
		{"a file", os.Args[0], testID, vault.ErrNotMounted},
		{"bad id", path, "a b", vault.ErrName},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := dir.Init(c.path, c.id, nil)
			wantError(t, err, c.want)
		})
	}
	if left := entries(t, path); len(left) > 0 {
		t.Errorf("refused, but the directory holds %q", left)
	}
}

func TestInitEmptyEnough(t *testing.T) {
	path := t.TempDir()
	if err := os.Mkdir(filepath.Join(path, "lost+found"), 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(path, ".put-ABCDEFGHIJKLMNOPQRSTUVWXYZ"), "a killed Init's")
	if _, err := dir.Init(path, testID, nil); err != nil {
		t.Fatal(err)
	}
}

func TestInitNotEmpty(t *testing.T) {
	for _, name := range []string{"holiday.jpg", ".hidden", "RESTORE.txt", ".put-short"} {
		path := t.TempDir()
		writeFile(t, filepath.Join(path, name), "somebody's")
		_, err := dir.Init(path, testID, []byte("text"))
		wantError(t, err, vault.ErrNotEmpty)
		wantFile(t, filepath.Join(path, name), "somebody's", 0o600)
	}
}

func TestInitRivals(t *testing.T) {
	path := t.TempDir()
	ids := []string{"A", "B", "C", "D"}
	errs := make([]error, len(ids))
	var wg sync.WaitGroup
	for i, id := range ids {
		wg.Go(func() { _, errs[i] = dir.Init(path, id, []byte("text")) })
	}
	wg.Wait()
	v, err := dir.OpenAny(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range ids {
		if (errs[i] == nil) != (id == v.ID()) {
			t.Errorf("the vault is %q, and Init with %q said %v", v.ID(), id, errs[i])
		}
	}
}

func TestOpen(t *testing.T) {
	v := newVault(t)
	mustPut(t, v, "a", "one")
	again, err := dir.Open(v.Path(), testID)
	if err != nil {
		t.Fatal(err)
	}
	wantNames(t, again, "a")
	_, err = dir.Open(v.Path(), "ANOTHER")
	wantError(t, err, vault.ErrOtherVault)
	_, err = dir.Open(t.TempDir(), testID)
	wantError(t, err, vault.ErrNotMounted)
	_, err = dir.OpenAny(filepath.Join(v.Path(), "missing"))
	wantError(t, err, vault.ErrNotMounted)
	wantError(t, err, fs.ErrNotExist)
}

func TestOpenMalformed(t *testing.T) {
	path := t.TempDir()
	writeFile(t, filepath.Join(path, "vault.id"), "filehsm vault 2\nTEST-ID\n")
	_, err := dir.OpenAny(path)
	wantError(t, err, vault.ErrMalformed)
	_, err = dir.Init(path, testID, nil)
	wantError(t, err, vault.ErrMalformed)
}

func TestSetRestoreText(t *testing.T) {
	v := newVault(t)
	if err := v.SetRestoreText(t.Context(), []byte("new\n")); err != nil {
		t.Fatal(err)
	}
	wantFile(t, filepath.Join(v.Path(), "RESTORE.txt"), "new\n", 0o644)
	wantNames(t, v)
}

func TestRestoreText(t *testing.T) {
	v := newVault(t)
	if err := v.SetRestoreText(t.Context(), []byte("new\n")); err != nil {
		t.Fatal(err)
	}
	if text, err := v.RestoreText(t.Context()); err != nil || string(text) != "new\n" {
		t.Errorf("%q, %v", text, err)
	}
	if err := os.Remove(filepath.Join(v.Path(), "RESTORE.txt")); err != nil {
		t.Fatal(err)
	}
	if text, err := v.RestoreText(t.Context()); err != nil || text != nil {
		t.Errorf("%q, %v without the file", text, err)
	}
}
