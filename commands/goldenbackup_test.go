package commands

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// needReader skips the test where stock age or Python is missing.
func needReader(t *testing.T) (age, python string) {
	t.Helper()
	age, err1 := exec.LookPath("age")
	python, err2 := exec.LookPath("python3")
	if err1 != nil || err2 != nil {
		t.Skip("SKIPPED: age or python3 is missing, so no backup is read without filehsm")
	}
	return age, python
}

// readBackup opens a backup with stock age and reads it with a program that
// knows nothing but hsmfile/FORMAT.md. base is the backup's path without
// ending.
func readBackup(t *testing.T, identity, base string) string {
	t.Helper()
	age, python := needReader(t)
	text, err := readContent(python, base+".json", openBackup(t, age, identity, base))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return text
}

func openBackup(t *testing.T, age, identity, base string) []byte {
	t.Helper()
	content, err := exec.Command(age, "-d", "-i", identity, base+".age").Output()
	if err != nil {
		t.Fatalf("age: %v", err)
	}
	return content
}

func readContent(python, manifest string, content []byte) (string, error) {
	read := exec.Command(python, "../testdata/image/readbackup.py", manifest)
	read.Stdin = bytes.NewReader(content)
	text, err := read.CombinedOutput()
	return string(text), err
}

// TestFormatGolden: the golden backup reads as it did, without filehsm.
func TestFormatGolden(t *testing.T) {
	t.Parallel()
	s := newGoldenScene(t)
	if got, want := readBackup(t, s.path("key.txt"), s.path("vault/"+goldenBackups(t)[0])), string(s.read("backup.txt")); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestFormatNow: a backup of today, of an image that was zeroized and restored,
// reads by the same page.
func TestFormatNow(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.populate()
	s.must("backup create" + byAdmin)
	s.must("key generate-symmetric aes --label passed" + byAlice)
	s.must("zeroize --confirm prod" + byAdmin)
	s.must("backup restore --vault usb --identity key.txt")
	s.must("key generate-asymmetric-pair ec --label pair --share-crypto-users bob" + byAlice)
	s.must("key list" + byBob)
	s.must("backup create" + byAdmin)
	all, err := filepath.Glob(s.path("usb/*.age"))
	s.ok(err)
	newest := ""
	for _, path := range all {
		var log struct{ Entries []struct{ Sequence int } }
		s.data("audit log", &log)
		text := readBackup(t, s.path("key.txt"), strings.TrimSuffix(path, ".age"))
		if strings.Contains(text, "0x8005") {
			newest = text
			if want := fmt.Sprintf("\n%3d audit entry\n", len(log.Entries)-1); !strings.Contains(text, want) { // the end of the backup is not in it
				t.Errorf("no %q in\n%s", want, text)
			}
		}
	}
	for _, line := range []string{"  3 key\n", "  1 public key object\n", "  1 share\n", " 0x8002 admin SUCCESS\n", " 0x8005 - SUCCESS\n"} {
		if !strings.Contains(newest, line) {
			t.Errorf("no %q in\n%s", line, newest)
		}
	}
}

// TestFormatRefuses: the reader's checks are no formality.
func TestFormatRefuses(t *testing.T) {
	t.Parallel()
	age, python := needReader(t)
	s := newGoldenScene(t)
	base := s.path("vault/" + goldenBackups(t)[0])
	content := openBackup(t, age, s.path("key.txt"), base)
	manifest, err := os.ReadFile(base + ".json")
	s.ok(err)
	if text, err := readContent(python, base+".json", content[1:]); err == nil || !strings.Contains(text, "not the manifest's content") {
		t.Errorf("%v %s", err, text)
	}
	flip := func(at int) []byte {
		b := bytes.Clone(content)
		b[at] ^= 1
		return b
	}
	for what, bad := range map[string][]byte{
		"version": flip(15), "key's name": flip(20), "first entry": flip(60), "header": flip(bytes.Index(content, []byte("filehsm-image")) + 60),
		"last record": flip(len(content) - 5), "end": content[:len(content)-4], "more": append(bytes.Clone(content), 0),
	} {
		// with a manifest to match, or that would be the first to tell
		s.put0600("forged.json", bytes.Replace(manifest, hexSum(content), hexSum(bad), 1))
		if text, err := readContent(python, s.path("forged.json"), bad); err == nil || strings.Contains(text, "not the manifest's content") {
			t.Errorf("%s: %v %s", what, err, text)
		}
	}
}

func hexSum(b []byte) []byte { return fmt.Appendf(nil, "%x", sha256.Sum256(b)) }
