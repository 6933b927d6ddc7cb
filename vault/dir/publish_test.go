package dir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Each way to publish gives the name, and refuses one that is taken.
func TestPublishWays(t *testing.T) {
	for name, way := range map[string]func(*os.Root, string, string) error{
		"publish":   publish,
		"exclusive": renameExclusive,
		"look":      lookAndRename,
	} {
		t.Run(name, func(t *testing.T) { testPublish(t, way) })
	}
}

func testPublish(t *testing.T, way func(*os.Root, string, string) error) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for _, temp := range []string{".first", ".second"} {
		if err := root.WriteFile(temp, []byte(temp), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := way(root, ".first", "name"); isUnsupported(err) {
		t.Skipf("SKIPPED: the file system does not have it: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	if err := way(root, ".second", "name"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("the second said %v, want fs.ErrExist", err)
	}
	if got, err := root.ReadFile("name"); err != nil || string(got) != ".first" {
		t.Errorf("the name has %q, %v", got, err)
	}
}

func TestIsUnsupported(t *testing.T) {
	for err, want := range map[error]bool{
		syscall.ENOSYS: true, syscall.EOPNOTSUPP: true, syscall.EPERM: true, syscall.EINVAL: true,
		syscall.EEXIST: false, syscall.EACCES: false, syscall.EROFS: false, syscall.ENOSPC: false, syscall.EIO: false,
	} {
		if got := isUnsupported(&os.LinkError{Op: "link", Err: err}); got != want {
			t.Errorf("isUnsupported(%v) = %v", err, got)
		}
	}
}

// A link is refused at the first look; one that came after it would still not
// lead out of the directory.
func TestOpenRegularStaysInside(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(path, "a")); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if f, err := openRegular(root, "a"); err == nil {
		f.Close()
		t.Error("a link was followed")
	}
	if f, err := root.Open("a"); err == nil {
		f.Close()
		t.Error("os.Root follows links out of the directory")
	}
}
