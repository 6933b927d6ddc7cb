package filestore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filehsm/hsmfile/internal/store"
)

func putOne(w store.Writer) error { return w.Put("k", []byte("v")) }

func TestCreate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.hsm")
	if err := Create(t.Context(), path, putOne); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode is %v, %v, want 0600", info.Mode(), err)
	}
	wantNames(t, dir, "a.hsm")
	s := mustOpen(t, path)
	mustCheck(t, s)
	if got := allRecords(t, s); got != "\"k\"=76\n" {
		t.Errorf("records are %s", got)
	}
}

func wantNames(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if err != nil || strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("directory has %q, %v, want %q", got, err, want)
	}
}

// TestCreateRefusesWhatIsThere: also a link that points nowhere.
func TestCreateRefusesWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	paths := map[string]func(path string) error{
		"file":      func(path string) error { return os.WriteFile(path, []byte("mine"), 0o600) },
		"directory": func(path string) error { return os.Mkdir(path, 0o700) },
		"link":      func(path string) error { return os.Symlink("nowhere", path) },
	}
	for name, make := range paths {
		path := filepath.Join(dir, name)
		if err := make(path); err != nil {
			t.Fatal(err)
		}
		if err := Create(t.Context(), path, putOne); !errors.Is(err, store.ErrExist) {
			t.Errorf("Create over a %s = %v, want store.ErrExist", name, err)
		}
	}
	wantNames(t, dir, "directory", "file", "link")
}

// TestCreateLosesRace: something comes to the path while init runs.
func TestCreateLosesRace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.hsm")
	err := Create(t.Context(), path, func(store.Writer) error { return os.WriteFile(path, []byte("first"), 0o600) })
	if !errors.Is(err, store.ErrExist) {
		t.Errorf("Create = %v, want store.ErrExist", err)
	}
	if b, _ := os.ReadFile(path); string(b) != "first" {
		t.Errorf("the other file became %q", b)
	}
	wantNames(t, filepath.Dir(path), "a.hsm")
}

func TestCreateFailedLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.hsm")
	failure := errors.New("no")
	if err := Create(t.Context(), path, func(store.Writer) error { return failure }); !errors.Is(err, failure) {
		t.Errorf("Create = %v, want init's error", err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = Create(t.Context(), path, func(store.Writer) error { panic("mine") })
	}()
	ctx, cancel := context.WithCancel(t.Context())
	err := Create(ctx, path, func(w store.Writer) error { cancel(); return putOne(w) })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Create = %v, want context.Canceled", err)
	}
	wantNames(t, dir)
}

func TestCreateWithoutDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "absent")
	err := Create(t.Context(), filepath.Join(dir, "a.hsm"), putOne)
	if err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("Create = %v, want an error that names the directory", err)
	}
}

// TestCreateOnFixedModes: where every file gets a mode that lets others in, an
// image would never open again.
func TestCreateOnFixedModes(t *testing.T) {
	dir := t.TempDir()
	err := Create(t.Context(), filepath.Join(dir, "a.hsm"), func(w store.Writer) error {
		made, err := filepath.Glob(filepath.Join(dir, ".a.hsm.*"))
		if err != nil || len(made) != 1 {
			t.Fatal(made, err)
		}
		return errors.Join(os.Chmod(made[0], 0o755), putOne(w))
	})
	if !errors.Is(err, store.ErrPermission) {
		t.Errorf("Create = %v, want store.ErrPermission", err)
	}
	wantNames(t, dir)
}
