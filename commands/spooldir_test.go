package commands

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestDeadSpools: what a killed backup left goes, and nothing else, whatever it
// looks like.
func TestDeadSpools(t *testing.T) {
	for _, tc := range []struct {
		what, name string
		age        time.Duration
		goes       bool
		change     func(t *testing.T, dir string)
	}{
		{"left behind", "filehsm-spool-123", 2 * time.Hour, true, nil},
		{"left behind before it had a file", "filehsm-spool-124", 2 * time.Hour, true, func(t *testing.T, dir string) { removeFile(t, dir+"/0.age") }},
		{"with a second file", "filehsm-spool-125", 2 * time.Hour, true, func(t *testing.T, dir string) { putFile(t, dir+"/1.age") }},
		{"at work a moment ago", "filehsm-spool-126", time.Minute, false, nil},
		{"of the future", "filehsm-spool-127", -2 * time.Hour, false, nil},
		{"locked", "filehsm-spool-128", 48 * time.Hour, false, func(t *testing.T, dir string) {
			held, err := os.Open(dir)
			if err == nil {
				err = unix.Flock(int(held.Fd()), unix.LOCK_EX)
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { held.Close() })
		}},
		{"another name", "filehsm-123", 48 * time.Hour, false, nil},
		{"a name that is longer", "filehsm-spool-123-mine", 48 * time.Hour, false, nil},
		{"for others to read", "filehsm-spool-129", 48 * time.Hour, false, func(t *testing.T, dir string) {
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}},
		{"with something else in it", "filehsm-spool-130", 48 * time.Hour, false, func(t *testing.T, dir string) { putFile(t, dir+"/key.txt") }},
		{"with a directory in it", "filehsm-spool-131", 48 * time.Hour, false, func(t *testing.T, dir string) { makeDir(t, dir+"/1.age") }},
	} {
		t.Run(tc.what, func(t *testing.T) {
			temp := t.TempDir()
			dir := filepath.Join(temp, tc.name)
			makeDir(t, dir)
			putFile(t, dir+"/0.age")
			if tc.change != nil {
				tc.change(t, dir)
			}
			at := time.Now().Add(-tc.age)
			if err := os.Chtimes(dir, at, at); err != nil {
				t.Fatal(err)
			}
			before := below(t, temp)
			removeDeadSpools(temp)
			switch after := below(t, temp); {
			case tc.goes && after != "":
				t.Errorf("left: %s", after)
			case !tc.goes && after != before:
				t.Errorf("%s became %s", before, after)
			}
		})
	}
}

// TestDeadSpoolLink: through a link nothing is removed, wherever it leads.
func TestDeadSpoolLink(t *testing.T) {
	temp := t.TempDir()
	dir := filepath.Join(temp, "mine")
	makeDir(t, dir)
	putFile(t, dir+"/0.age")
	if err := os.Symlink("mine", filepath.Join(temp, "filehsm-spool-1")); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-48 * time.Hour)
	if err := os.Chtimes(dir, at, at); err != nil {
		t.Fatal(err)
	}
	before := below(t, temp)
	removeDeadSpools(temp)
	if after := below(t, temp); after != before {
		t.Errorf("%s became %s", before, after)
	}
}

// TestLivingSpool: a backup that takes days keeps its directory, and then
// removes it.
func TestLivingSpool(t *testing.T) {
	temp := t.TempDir()
	c := &call{world: &world{lookup: func(string) (string, bool) { return temp, true }}}
	dir, err := c.spoolDir()
	if err != nil {
		t.Fatal(err)
	}
	putFile(t, dir+"/0.age")
	at := time.Now().Add(-48 * time.Hour)
	if err := os.Chtimes(dir, at, at); err != nil {
		t.Fatal(err)
	}
	removeDeadSpools(temp)
	if got := below(t, temp); got != dir+" "+dir+"/0.age" {
		t.Errorf("left: %s", got)
	}
	c.end()
	if got := below(t, temp); got != "" {
		t.Errorf("left at the end: %s", got)
	}
}

// below is every path below a directory.
func below(t *testing.T, dir string) string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if path != dir {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

func makeDir(t *testing.T, path string) {
	t.Helper()
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
}

func putFile(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("age"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func removeFile(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}
