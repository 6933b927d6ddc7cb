package dir_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"filehsm/vault/dir"
)

// crashText is what the traced process puts: two blocks of io.Copy and a bit.
var crashText = strings.Repeat("stream\n", 10_000)

// crashCalls are the system calls at which a put is killed or refused.
var crashCalls = []string{"openat", "read", "write", "fsync", "linkat", "unlinkat", "close"}

const crashEnv = "VAULT_TEST_CRASH"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashEnv); path != "" {
		os.Exit(crashChild(path))
	}
	os.Exit(m.Run())
}

// crashChild is the traced process. It stays on one thread, because strace
// counts calls thread by thread.
func crashChild(path string) int {
	runtime.LockOSThread()
	v, err := dir.Init(path, testID, []byte("restore text\n"))
	if err == nil {
		err = v.Put(context.Background(), "a", strings.NewReader(crashText), sha256.Sum256([]byte(crashText)))
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// Killed at any system call, Init and Put leave a directory in which both can
// be repeated and a name that has its whole stream or nothing.
func TestKilledAnywhere(t *testing.T) {
	strace := needStrace(t)
	for _, call := range crashCalls {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			for n := 1; ; n++ {
				path := t.TempDir()
				err := traced(strace, path, fmt.Sprintf("%s:signal=SIGKILL:when=%d", call, n))
				checkWhole(t, path, err == nil)
				checkRepeats(t, path)
				if err == nil {
					t.Logf("killed at %d calls of %s", n-1, call)
					return
				}
			}
		})
	}
}

// Refused any system call, Init and Put say so and leave no temporary file.
func TestRefusedAnywhere(t *testing.T) {
	strace := needStrace(t)
	for _, fault := range []string{"openat:error=EACCES", "write:error=ENOSPC", "fsync:error=EIO", "linkat:error=EIO"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			// Some refusals harm nobody: the runtime's own calls, the search
			// for leftovers. So the end is several good runs in a row.
			for n, good := 1, 0; good < 6; n++ {
				path := t.TempDir()
				err := traced(strace, path, fmt.Sprintf("%s:when=%d", fault, n))
				checkWhole(t, path, err == nil)
				if left := temporary(t, path); len(left) > 0 {
					t.Errorf("call %d of %s: %q is left", n, fault, left)
				}
				checkRepeats(t, path)
				if good++; err != nil {
					good = 0
				}
			}
		})
	}
}

func needStrace(t *testing.T) string {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("SKIPPED: strace is missing, so nothing can be killed at a system call")
	}
	if testing.Short() {
		t.Skip("SKIPPED: short")
	}
	return strace
}

// traced runs crashChild in path with one fault.
func traced(strace, path, fault string) error {
	cmd := exec.Command(strace, "-f", "-qq", "-o", os.DevNull, "-e", "inject="+fault, os.Args[0])
	cmd.Env = append(os.Environ(), crashEnv+"="+path)
	return cmd.Run()
}

// checkWhole checks that what has a name is whole, and after a success that
// everything is there.
func checkWhole(t *testing.T, path string, success bool) {
	t.Helper()
	whole := map[string]string{
		"a": crashText, "vault.id": "filehsm vault 1\nTEST-ID\n", "RESTORE.txt": "restore text\n",
	}
	named := 0
	for _, name := range entries(t, path) {
		if strings.HasPrefix(name, ".put-") {
			continue
		}
		named++
		got, err := os.ReadFile(filepath.Join(path, name))
		if want := whole[name]; err != nil || want == "" || string(got) != want {
			t.Errorf("%q holds %d bytes, want %d; %v", name, len(got), len(want), err)
		}
	}
	if success && named != len(whole) {
		t.Errorf("success, but %d of %d files are there", named, len(whole))
	}
}

func checkRepeats(t *testing.T, path string) {
	t.Helper()
	v, err := dir.Init(path, testID, []byte("restore text\n"))
	if err == nil {
		err = v.Put(t.Context(), "a", strings.NewReader(crashText), sha256.Sum256([]byte(crashText)))
	}
	if err != nil {
		t.Fatal(err)
	}
	wantNames(t, v, "a")
	checkWhole(t, path, true)
}
