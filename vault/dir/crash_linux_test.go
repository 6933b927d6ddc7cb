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

// crashText is what the traced process puts: four blocks of copyBeside and a bit.
var crashText = strings.Repeat("stream\n", 160_000)

// crashBlock is a block of copyBeside.
const crashBlock = 256 << 10

// crashCalls are the system calls at which a put is killed or refused.
var crashCalls = []string{"openat", "read", "write", "fsync", "linkat", "unlinkat", "close"}

// goodRuns in a row end a sweep: one may be good because the calls went to more
// threads than usual.
const goodRuns = 6

const crashEnv = "VAULT_TEST_CRASH"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashEnv); path != "" {
		os.Exit(crashChild(path))
	}
	os.Exit(m.Run())
}

// crashChild is the traced process. It stays on one thread, because strace counts
// calls thread by thread; but copyBeside writes on others, not the same each time.
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
			killed, between := killSweep(t, strace, call)
			for tries := 0; call == "write" && between == 0; tries++ { // no thread made two of a put's writes
				if tries == 10 {
					t.Fatal("killed nowhere between two blocks")
				}
				_, between = killSweep(t, strace, call)
			}
			t.Logf("killed at %d calls of %s, at %d between two blocks", killed, call, between)
		})
	}
}

// killSweep kills at the first call, then at the second, ... It counts the kills,
// and those that left a put between two of its blocks.
func killSweep(t *testing.T, strace, call string) (killed, between int) {
	t.Helper()
	for n, good := 1, 0; good < goodRuns; n++ {
		path := t.TempDir()
		err := traced(strace, path, fmt.Sprintf("%s:signal=SIGKILL:when=%d", call, n))
		checkWhole(t, path, err == nil)
		if betweenBlocks(t, path) {
			between++
		}
		checkRepeats(t, path)
		if good++; err != nil {
			killed++
			good = 0
		}
	}
	return killed, between
}

// Refused any system call, Init and Put say so and leave no temporary file.
func TestRefusedAnywhere(t *testing.T) {
	strace := needStrace(t)
	for _, fault := range []string{"openat:error=EACCES", "write:error=ENOSPC", "fsync:error=EIO", "linkat:error=EIO"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			// Some refusals harm nobody: the runtime's own calls, the search
			// for leftovers. So the end is several good runs in a row.
			for n, good := 1, 0; good < goodRuns; n++ {
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
	cmd.Env = append(os.Environ(), crashEnv+"="+path, "GORACE=atexit_sleep_ms=0")
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

// betweenBlocks is whether a put has written some blocks of crashText, not all.
func betweenBlocks(t *testing.T, path string) bool {
	t.Helper()
	for _, name := range temporary(t, path) {
		got, err := os.ReadFile(filepath.Join(path, name))
		if err != nil {
			t.Fatal(err)
		}
		if n := len(got); n > 0 && n < len(crashText) && n%crashBlock == 0 {
			return true
		}
	}
	return false
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
