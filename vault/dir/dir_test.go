package dir_test

import (
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filehsm/vault"
	"filehsm/vault/dir"
	"filehsm/vault/vaulttest"
)

const testID = "TEST-ID"

func TestConformance(t *testing.T) {
	vaulttest.Run(t, func(t *testing.T) vault.Vault { return newVault(t) })
}

// newVault returns an empty vault and checks, when the test has ended, that
// no temporary file is left in it.
func newVault(t *testing.T) *dir.Vault {
	t.Helper()
	path := t.TempDir()
	v, err := dir.Init(path, testID, []byte("restore text\n"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if left := temporary(t, path); len(left) > 0 {
			t.Errorf("temporary files are left: %q", left)
		}
	})
	return v
}

func temporary(t *testing.T, path string) []string {
	t.Helper()
	return slices.DeleteFunc(entries(t, path), func(name string) bool {
		return !strings.HasPrefix(name, ".")
	})
}

func entries(t *testing.T, path string) []string {
	t.Helper()
	list, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func wantFile(t *testing.T, path, want string, mode fs.FileMode) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want || info.Mode() != mode {
		t.Errorf("%q is %q with mode %v, want %q with %v", path, got, info.Mode(), want, mode)
	}
}

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got error %v, want %v", err, want)
	}
}

func mustPut(t *testing.T, v vault.Vault, name, text string) {
	t.Helper()
	if err := v.Put(t.Context(), name, strings.NewReader(text), sha256.Sum256([]byte(text))); err != nil {
		t.Fatal(err)
	}
}

func wantNames(t *testing.T, v vault.Vault, want ...string) {
	t.Helper()
	list, err := v.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range list {
		got = append(got, s.Name)
	}
	if !slices.Equal(got, want) {
		t.Errorf("List has %q, want %q", got, want)
	}
}

func TestPutIsPrivate(t *testing.T) {
	v := newVault(t)
	mustPut(t, v, "a", "one")
	wantFile(t, filepath.Join(v.Path(), "a"), "one", 0o600)
}

func TestListPassesOver(t *testing.T) {
	v := newVault(t)
	mustPut(t, v, "a", "one")
	if err := os.Mkdir(filepath.Join(v.Path(), "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("a", filepath.Join(v.Path(), "link")); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(v.Path(), "a name with spaces"), "")
	wantNames(t, v, "a")
	wantError(t, v.Remove(t.Context(), "folder"), vault.ErrMalformed)
	_, err := v.Open(t.Context(), "link")
	wantError(t, err, vault.ErrMalformed)
	wantError(t, v.Put(t.Context(), "link", strings.NewReader("one"), sha256.Sum256([]byte("one"))), vault.ErrMalformed)
}

// The corrupting reader changes what Put has already written, as a bad cable
// would.
func TestReadBackDiffers(t *testing.T) {
	v := newVault(t)
	err := v.Put(t.Context(), "a", &corrupting{t: t, dir: v.Path()}, sha256.Sum256(make([]byte, corruptingSize)))
	wantError(t, err, vault.ErrDiffers)
	wantNames(t, v)
}

// A corrupting reader gives zeros. When half of them are read, the first block
// has been written.
type corrupting struct {
	t    *testing.T
	dir  string
	read int
}

const corruptingSize = 1 << 20

func (c *corrupting) Read(p []byte) (int, error) {
	n := min(len(p), corruptingSize-c.read)
	if c.read += n; n == 0 {
		return 0, io.EOF
	}
	if clear(p[:n]); c.read <= corruptingSize/2 {
		return n, nil
	}
	for _, name := range temporary(c.t, c.dir) {
		f, err := os.OpenFile(filepath.Join(c.dir, name), os.O_WRONLY, 0)
		if err != nil {
			c.t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte("x"), 0); err != nil {
			c.t.Fatal(err)
		}
		f.Close()
	}
	return n, nil
}

func TestPanickingReaderLeavesNothing(t *testing.T) {
	v := newVault(t)
	defer func() {
		recover()
		wantNames(t, v)
	}()
	v.Put(t.Context(), "a", nil, [sha256.Size]byte{})
}
