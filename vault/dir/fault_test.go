//go:build unix

package dir_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"filehsm/vault"
	"filehsm/vault/dir"
)

// every runs each operation that must notice what has become of the vault.
func every(t *testing.T, v *dir.Vault) map[string]error {
	_, listErr := v.List(t.Context())
	_, openErr := v.Open(t.Context(), "a")
	return map[string]error{
		"put":    v.Put(t.Context(), "b", strings.NewReader("two"), sha256.Sum256([]byte("two"))),
		"open":   openErr,
		"list":   listErr,
		"remove": v.Remove(t.Context(), "a"),
		"text":   v.SetRestoreText(t.Context(), []byte("text")),
	}
}

// A disk that is unmounted leaves its empty mount point, or none.
func TestUnmounted(t *testing.T) {
	v := newVault(t)
	mustPut(t, v, "a", "one")
	away := v.Path() + ".away"
	if err := os.Rename(v.Path(), away); err != nil {
		t.Fatal(err)
	}
	for op, err := range every(t, v) {
		if !errors.Is(err, vault.ErrNotMounted) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s on a missing directory: %v", op, err)
		}
	}
	if err := os.Mkdir(v.Path(), 0o700); err != nil {
		t.Fatal(err)
	}
	for op, err := range every(t, v) {
		if !errors.Is(err, vault.ErrNotMounted) {
			t.Errorf("%s on an empty mount point: %v", op, err)
		}
	}
	if got := entries(t, v.Path()); len(got) > 0 {
		t.Errorf("the mount point now holds %q", got)
	}
}

func TestExchanged(t *testing.T) {
	v := newVault(t)
	writeFile(t, filepath.Join(v.Path(), "vault.id"), "filehsm vault 1\nANOTHER\n")
	for op, err := range every(t, v) {
		if !errors.Is(err, vault.ErrOtherVault) {
			t.Errorf("%s in another vault: %v", op, err)
		}
	}
}

// Whoever opens a FIFO in the usual way waits for the other end.
func TestFIFO(t *testing.T) {
	alarm := time.AfterFunc(2*time.Minute, func() { panic("it waits for the other end of a FIFO") })
	defer alarm.Stop()
	v := newVault(t)
	mkfifo(t, filepath.Join(v.Path(), "a"))
	wantNames(t, v)
	_, err := v.Open(t.Context(), "a")
	wantError(t, err, vault.ErrMalformed)
	wantError(t, v.Put(t.Context(), "a", strings.NewReader("one"), sha256.Sum256([]byte("one"))), vault.ErrMalformed)
	wantError(t, v.Remove(t.Context(), "a"), vault.ErrMalformed)

	path := t.TempDir()
	mkfifo(t, filepath.Join(path, "vault.id"))
	_, err = dir.OpenAny(path)
	wantError(t, err, vault.ErrMalformed)
	_, err = dir.OpenAny(filepath.Join(path, "vault.id"))
	wantError(t, err, vault.ErrNotMounted)
}

func mkfifo(t *testing.T, path string) {
	t.Helper()
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
}

// The file size limit stands in for a full disk: it cuts a write short and
// needs neither root nor a small file system.
func TestFullDisk(t *testing.T) {
	if !alone(t) {
		return
	}
	v := newVault(t)
	limitFiles(t, 1<<20)
	err := v.Put(t.Context(), "a", io.LimitReader(zeros{}, 2<<20), sha256.Sum256(make([]byte, 2<<20)))
	wantError(t, err, syscall.EFBIG)
	wantNames(t, v)
}

// limitFiles bounds the size of the files that this process may write. The test
// must be alone: what go test itself writes from a test's process, the list of
// the files it opened, is bounded as well.
func limitFiles(t *testing.T, size uint64) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit)
	if err == nil {
		limit.Cur = size
		err = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// aloneVariable, set to a test's name, makes the test binary run that test's body.
const aloneVariable = "VAULT_TEST_ALONE"

// alone runs the test again in a process that does nothing else, and is true in
// that process.
func alone(t *testing.T) bool {
	t.Helper()
	if os.Getenv(aloneVariable) == t.Name() {
		return true
	}
	command := exec.Command(os.Args[0], "-test.v", "-test.run=^"+t.Name()+"$")
	command.Env = append(os.Environ(), aloneVariable+"="+t.Name())
	out, err := command.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name()+" ")) {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestReadOnly(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("SKIPPED: root may write to a read-only directory")
	}
	v := newVault(t)
	mustPut(t, v, "a", "one")
	if err := os.Chmod(v.Path(), 0o500); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(v.Path(), 0o700)
	wantError(t, v.Put(t.Context(), "b", strings.NewReader("two"), sha256.Sum256([]byte("two"))), fs.ErrPermission)
	wantError(t, v.Remove(t.Context(), "a"), fs.ErrPermission)
	wantNames(t, v, "a")
}

func TestLeftovers(t *testing.T) {
	v := newVault(t)
	now := time.Now()
	for name, age := range map[string]time.Duration{
		".put-OLDOLDOLDOLDOLDOLDOLDOLDOL": 25 * time.Hour,
		".put-NEWNEWNEWNEWNEWNEWNEWNEWNE": 23 * time.Hour,
		".put-notours":                    25 * time.Hour,
		".trash":                          25 * time.Hour,
	} {
		path := filepath.Join(v.Path(), name)
		writeFile(t, path, "x")
		if err := os.Chtimes(path, now, now.Add(-age)); err != nil {
			t.Fatal(err)
		}
		defer os.Remove(path)
	}
	wantNames(t, v)
	mustPut(t, v, "a", "one")
	want := ".put-NEWNEWNEWNEWNEWNEWNEWNEWNE .put-notours .trash"
	if got := strings.Join(temporary(t, v.Path()), " "); got != want {
		t.Errorf("after the next put there are %q, want %q", got, want)
	}
}

func TestSameFilesystem(t *testing.T) {
	path := t.TempDir()
	same, err := dir.SameFilesystem(path, filepath.Dir(path))
	if err != nil || !same {
		t.Errorf("a directory and the one above it: %v, %v", same, err)
	}
	_, err = dir.SameFilesystem(path, filepath.Join(path, "missing"))
	wantError(t, err, fs.ErrNotExist)
	if _, err := os.Stat("/proc/self"); err == nil {
		if same, err := dir.SameFilesystem(path, "/proc/self"); err != nil || same {
			t.Errorf("a directory and /proc: %v, %v", same, err)
		}
	}
}
