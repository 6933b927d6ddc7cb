package commands

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"filehsm/hsmfile"
)

func newOutFile(t *testing.T) *outFile {
	t.Helper()
	o := &outFile{path: filepath.Join(t.TempDir(), "out")}
	if err := o.create(forOwner); err != nil {
		t.Fatal(err)
	}
	return o
}

func wantFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(want) {
		t.Fatalf("%v, want %v", entries, want)
	}
	for i, e := range entries {
		if e.Name() != want[i] {
			t.Errorf("%s, want %s", e.Name(), want[i])
		}
	}
}

func TestOutFile(t *testing.T) {
	o := newOutFile(t)
	if err := o.write([]byte("whole")); err != nil {
		t.Fatal(err)
	}
	_ = o.discard()
	wantFiles(t, filepath.Dir(o.path), "out")
	if b, _ := os.ReadFile(o.path); string(b) != "whole" {
		t.Errorf("%q", b)
	}
}

// What was begun and not finished leaves nothing.
func TestOutFileDiscarded(t *testing.T) {
	o := newOutFile(t)
	if err := o.discard(); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, filepath.Dir(o.path))
}

// A file, or a link to nowhere, that came there meanwhile is not replaced.
func TestOutFileTaken(t *testing.T) {
	for name, put := range map[string]func(path string) error{
		"file": func(path string) error { return os.WriteFile(path, []byte("other"), 0o600) },
		"link": func(path string) error { return os.Symlink("nowhere", path) },
	} {
		o := newOutFile(t)
		if err := put(o.path); err != nil {
			t.Fatal(err)
		}
		if err := o.write([]byte("ours")); exitCode(err) != 2 {
			t.Errorf("%s: %v", name, err)
		}
		_ = o.discard()
		wantFiles(t, filepath.Dir(o.path), "out")
		if b, err := os.ReadFile(o.path); err == nil && string(b) != "other" {
			t.Errorf("%s: %q", name, b)
		}
	}
}

// Whatever it is that leaves no room, a file and a vault have a hint that helps.
func TestNoRoom(t *testing.T) {
	for _, err := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		err = &fs.PathError{Op: "write", Path: "x", Err: err}
		if hint := hsmfile.HintOf((&outFile{path: "x"}).failed(err)); !strings.HasPrefix(hint, "free some space there") {
			t.Errorf("a file, %v: %q", err, hint)
		}
		if hint := whatHelps([]*place{{}, {err: err}}); !strings.HasPrefix(hint, "free some space in the vault") {
			t.Errorf("a vault, %v: %q", err, hint)
		}
	}
}
