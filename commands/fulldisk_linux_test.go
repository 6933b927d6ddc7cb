package commands

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

// A disk of 1 MiB, filled to the brim: what is there can be read, a right
// login never counts as a wrong one, and with room again all goes on.
func TestBrimfulDisk(t *testing.T) {
	s := newScene(t)
	if !s.onSmallDisk() {
		return
	}
	s.populate()
	// What is freed at the end must be room enough, wherever the image stopped growing.
	s.ok(os.WriteFile(s.path("small/reserve"), make([]byte, 192<<10), 0o600))
	s.generateUntil(s.run, "no space left on device")
	s.ok(fillDisk(s.path("small/ballast")))
	s.onFullDisk(s.run, "no space left on device")

	s.ok(os.Remove(s.path("small/ballast")))
	s.ok(os.Remove(s.path("small/reserve")))
	s.roomAgain()
}

// onSmallDisk gives the image a disk of its own, of 1 MiB.
func (s *scene) onSmallDisk() bool {
	small := s.path("small")
	s.ok(os.Mkdir(small, 0o700))
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=1m"); err != nil {
		s.t.Logf("no file system of 1 MiB (%v): a limit on the size of a file instead, in TestFileSizeLimit", err)
		return false
	}
	s.t.Cleanup(func() { s.ok(syscall.Unmount(small, 0)) })
	s.env["FILEHSM_IMAGE"] = s.path("small/prod.hsm")
	return true
}

// Without a byte of room an image is wiped, or is as it was, and so with all
// that takes something away; a restore waits for room.
func TestTakenAwayOnFullDisk(t *testing.T) {
	s := newScene(t)
	if !s.onSmallDisk() {
		return
	}
	s.populate()
	s.must("key share --filter first --username bob --role CU" + byAlice)
	s.must("key list" + byBob)
	s.must("backup create" + byAdmin)
	image := s.read("small/prod.hsm")
	clean := s.zeroizedElsewhere(image)
	s.ok(os.WriteFile(s.path("small/reserve"), make([]byte, 64<<10), 0o600))
	s.ok(fillDisk(s.path("small/ballast")))

	s.wrongOnFullDisk()
	s.orFull("login --username alice --password-file alice.pw")
	s.orFull("key unshare --filter first --username bob --role CU" + byAlice)
	s.orFull("zeroize --confirm prod" + byAdmin)
	if s.state() == "active" {
		s.ok(os.Remove(s.path("small/reserve")))
		s.must("zeroize --confirm prod" + byAdmin)
		s.ok(fillDisk(s.path("small/more")))
	}
	if at := residue(clean, remains(image, s.read("small/prod.hsm"))); at >= 0 {
		t.Errorf("a deleted record that was at %#x is still in the file", at)
	}
	restore := "backup restore --vault usb --identity key.txt"
	s.orFull(restore)

	s.ok(os.Remove(s.path("small/ballast")))
	if s.state() != "active" {
		s.must(restore)
	}
	s.roomAgain()
}

// orFull: a command is done, or the disk is full; the image is whole.
func (s *scene) orFull(line string) {
	s.t.Helper()
	o := s.run(line)
	s.t.Logf("exit %d: %s", o.code, line)
	if o.code != 0 {
		s.wantFull(o, "no space left on device")
	}
	s.must("image check")
	s.must("audit verify --all")
}

// wrongOnFullDisk: a wrong password is counted, or not even compared.
func (s *scene) wrongOnFullDisk() {
	s.t.Helper()
	for range 2 {
		before := s.failures("bob")
		o := s.run("key list --as bob --password-file wrong.pw")
		counted := s.failures("bob") - before
		if o.code == 3 && counted == 1 {
			continue
		}
		s.wantFull(o, "no space left on device")
		if counted != 0 {
			s.t.Errorf("%d failures are counted of a password that was not compared", counted)
		}
	}
}

// zeroizedElsewhere is what a zeroization with room enough leaves of an image.
func (s *scene) zeroizedElsewhere(image []byte) map[int]bool {
	s.t.Helper()
	s.ok(os.WriteFile(s.path("copy.hsm"), image, 0o600))
	s.must("zeroize --confirm prod --image copy.hsm" + byAdmin)
	return remains(image, s.read("copy.hsm"))
}

// The same by a limit on the size of files, which needs no privilege.
func TestFileSizeLimit(t *testing.T) {
	s := newScene(t)
	s.populate()
	limited := func(line string) outcome {
		return s.process(line, "sh", "-c", `ulimit -f 512; exec "$@"`, "sh") // blocks of 512 bytes
	}
	s.generateUntil(limited, "file too large")
	s.onFullDisk(limited, "file too large")
	s.roomAgain()
}

// generateUntil makes keys until one is refused.
func (s *scene) generateUntil(run func(string) outcome, why string) {
	s.t.Helper()
	confirmed := 2
	for n := range 1000 {
		o := run(fmt.Sprintf("key generate-symmetric aes --label fill%d --count 20", n) + byAlice)
		if o.code != 0 {
			s.wantFull(o, why)
			break
		}
		confirmed += 20
	}
	s.must("image check")
	if labels, o := s.labels(byAlice); o.code == 0 && len(labels) < confirmed {
		s.t.Errorf("%d keys were confirmed, %d are there", confirmed, len(labels))
	}
	s.t.Logf("full with %d keys", confirmed)
}

func (s *scene) wantFull(o outcome, why string) {
	s.t.Helper()
	if o.code != 1 || !strings.Contains(o.err, "filehsm: error:") || !strings.Contains(o.err, why) || !strings.Contains(o.err, "filehsm: hint: free some space") {
		s.t.Errorf("exit %d, want 1, %q and a hint\n%s", o.code, why, o.err)
	}
}

// onFullDisk tries everything more often than a password may be wrong.
func (s *scene) onFullDisk(run func(string) outcome, why string) {
	s.t.Helper()
	done := 0
	for range 4 {
		for _, line := range []string{
			"key list" + byAlice,
			"key generate-symmetric aes --label more --count 20" + byAlice,
			"key generate-asymmetric-pair rsa --label more" + byAlice,
			"user unlock --username bob" + byAdmin,
			"backup create" + byAdmin,
			"user change-password --new-password-file bob.pw" + byBob,
			"key delete --filter second" + byAlice,
		} {
			o := run(line)
			if o.code == 0 {
				done++
			} else if o.code != 6 || !strings.Contains(line, "delete") { // deleted in an earlier round
				s.wantFull(o, why)
			}
		}
		for _, name := range []string{"admin", "alice", "bob"} {
			if n := s.failures(name); n != 0 {
				s.t.Errorf("a right password of %s counts as %d failures", name, n)
			}
		}
		for _, line := range []string{"image check", "status", "user list", "audit verify --all"} {
			if o := run(line); o.code != 0 {
				s.t.Errorf("%s: exit %d\n%s", line, o.code, o.err)
			}
		}
	}
	s.t.Logf("%d of 28 commands were done", done)
}

// roomAgain: with room again everything works.
func (s *scene) roomAgain() {
	s.t.Helper()
	s.run("key delete --filter first" + byAlice)
	s.must("key generate-symmetric aes --label again" + byAlice)
	s.must("backup create" + byAdmin)
	s.must("image check")
	s.must("audit verify --all")
}

// fillDisk writes until the disk is full.
func fillDisk(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for size := 64 << 10; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil && !errors.Is(err, syscall.ENOSPC) {
			return err
		} else if err != nil {
			size /= 2
		}
	}
	return nil
}
