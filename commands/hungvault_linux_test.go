package commands

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// While a vault takes seconds to give a backup its name, the image is free: a
// login waits for nobody.
func TestSlowVaultHoldsNobodyUp(t *testing.T) {
	strace := needStrace(t)
	s := newScene(t)
	s.populate()
	for _, seconds := range []int{3, 20} { // a busy machine may take longer for a login than 3
		if s.worksBesideSlowBackup(strace, seconds) {
			s.must("backup verify --vault usb --identity key.txt")
			s.must("image check")
			return
		}
	}
	t.Error("a login and a new key took longer than a backup into a slow vault")
}

// worksBesideSlowBackup is whether a login and a new key are through before a
// backup has its name, which takes the given time.
func (s *scene) worksBesideSlowBackup(strace string, seconds int) bool {
	s.t.Helper()
	there := func() int {
		backups, err := filepath.Glob(s.path("usb/*.json"))
		s.ok(err)
		return len(backups)
	}
	before := there()
	ctx, cancel := context.WithTimeout(s.t.Context(), processLimit)
	defer cancel()
	var backup outcome
	var hangs error
	var wait sync.WaitGroup
	wait.Go(func() {
		backup, hangs = s.processIn(ctx, "backup create"+byAdmin, strace, "-f", "-qq", "--seccomp-bpf", "-o", os.DevNull,
			"-e", "trace=linkat", "-e", fmt.Sprintf("inject=linkat:delay_enter=%ds:when=1", seconds))
	})
	s.waitForPut()
	s.must("login --username alice --password-file alice.pw --lock-timeout 1s")
	s.must("key generate-symmetric aes --label meanwhile --lock-timeout 1s")
	through := there() == before
	wait.Wait()
	s.ok(hangs)
	if backup.code != 0 || there() == before {
		s.t.Errorf("the backup: exit %d\n%s", backup.code, backup.err)
	}
	return through
}

// waitForPut waits until a stream is being put into the vault.
func (s *scene) waitForPut() {
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if found, _ := filepath.Glob(s.path("usb/.put-*")); len(found) > 0 {
			return
		}
	}
	s.t.Fatal("no backup is written to the vault")
}

// A vault in which somebody left FIFOs is refused, and nobody waits for what
// never comes: not a backup, not the login beside it.
func TestVaultOfFIFOs(t *testing.T) {
	s := newScene(t)
	s.populate()
	s.must("backup create" + byAdmin)
	files, err := os.ReadDir(s.path("usb"))
	s.ok(err)
	for _, f := range files {
		s.ok(os.Remove(s.path("usb/" + f.Name())))
		s.ok(syscall.Mkfifo(s.path("usb/"+f.Name()), 0o600))
	}
	const limit = 2 * time.Minute // a busy machine takes less
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var backup outcome
	var hangs error
	var wait sync.WaitGroup
	wait.Go(func() { backup, hangs = s.processIn(ctx, "backup create"+byAdmin) })
	start := time.Now()
	s.must("login --username alice --password-file alice.pw")
	s.must("status")
	wait.Wait()
	s.ok(hangs)
	// a wait for a FIFO ends after lookLimit, without an answer
	if backup.code != 10 || !strings.Contains(backup.err, "usb") || strings.Contains(backup.err, errNoAnswer.Error()) {
		t.Errorf("exit %d\n%s", backup.code, backup.err)
	}
	if took := time.Since(start); took > limit {
		t.Errorf("it took %s", took)
	}
	s.must("image check")
}
