package commands

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What a disk may hold after calls on a directory with the file "old", which
// has "old" in it: nothing of what was not synced, the names, or all.
func TestSimDisk(t *testing.T) {
	cases := map[string]struct {
		calls []string
		want  [3]string
	}{
		"written": {
			[]string{`openat(AT_FDCWD, "/old", O_RDWR) = 5`, `pwrite64(5, "new", 3, 2) = 3`},
			[3]string{"old=old", "old=old", "old=olnew"},
		},
		"synced, and the rest is not": {
			[]string{`openat(AT_FDCWD, "/old", O_RDWR) = 5`, `write(5, "n", 1) = 1`, `fdatasync(5) = 0`, `write(5, "ew", 2) = 2`},
			[3]string{"old=nld", "old=nld", "old=new"},
		},
		"appended": {
			[]string{`openat(AT_FDCWD, "/old", O_WRONLY|O_APPEND) = 5`, `write(5, "er", 2) = 2`, `fsync(5) = 0`},
			[3]string{"old=older", "old=older", "old=older"},
		},
		"shortened and lengthened": {
			[]string{`openat(AT_FDCWD, "/old", O_RDWR) = 5`, `ftruncate(5, 1) = 0`, `ftruncate(5, 2) = 0`},
			[3]string{"old=old", "old=old", "old=o\x00"},
		},
		"emptied": {
			[]string{`openat(AT_FDCWD, "/old", O_RDWR|O_TRUNC) = 5`},
			[3]string{"old=old", "old=old", "old="},
		},
		"made": {
			[]string{`openat(AT_FDCWD, "/new", O_RDWR|O_CREAT, 0600) = 5`, `write(5, "n", 1) = 1`},
			[3]string{"old=old", "new= old=old", "new=n old=old"},
		},
		"made and synced, its name is not": {
			[]string{`openat(AT_FDCWD, "/new", O_RDWR|O_CREAT, 0600) = 5`, `write(5, "n", 1) = 1`, `fsync(5) = 0`},
			[3]string{"old=old", "new=n old=old", "new=n old=old"},
		},
		"name synced, content not": {
			[]string{`openat(AT_FDCWD, "/new", O_RDWR|O_CREAT, 0600) = 5`, `write(5, "n", 1) = 1`, `openat(AT_FDCWD, "/.", O_RDONLY) = 6`, `fsync(6) = 0`},
			[3]string{"new= old=old", "new= old=old", "new=n old=old"},
		},
		"by another number, in a directory of the process": {
			[]string{`openat(AT_FDCWD, "/", O_RDONLY) = 6`, `openat(6, "old", O_RDWR) = 5`, `fcntl(5, F_DUPFD_CLOEXEC, 0) = 7`, `close(5) = 0`, `lseek(7, 2, SEEK_SET) = 2`, `write(7, "x", 1) = 1`},
			[3]string{"old=old", "old=old", "old=olx"},
		},
		"linked": {
			[]string{`linkat(AT_FDCWD, "/old", AT_FDCWD, "/new", 0) = 0`, `unlinkat(AT_FDCWD, "/old", 0) = 0`},
			[3]string{"old=old", "new=old", "new=old"},
		},
		"renamed, then synced": {
			[]string{`openat(AT_FDCWD, "/", O_RDONLY) = 6`, `renameat(6, "old", 6, "new") = 0`, `fsync(6) = 0`},
			[3]string{"new=old", "new=old", "new=old"},
		},
		"removed and still written": {
			[]string{`openat(AT_FDCWD, "/old", O_RDWR) = 5`, `unlinkat(AT_FDCWD, "/old", 0) = 0`, `write(5, "x", 1) = 1`, `fsync(5) = 0`},
			[3]string{"old=xld", "", ""},
		},
		"a directory": {
			[]string{`mkdirat(AT_FDCWD, "/d", 0700) = 0`, `openat(AT_FDCWD, "/d/f", O_WRONLY|O_CREAT, 0600) = 5`},
			[3]string{"old=old", "d/f= old=old", "d/f= old=old"},
		},
		"refused": {
			[]string{`openat(AT_FDCWD, "/old", O_RDWR) = 5`, `write(5, "x", 1) = -1 EIO (Input/output error)`, `fsync(5) = -1 EIO (Input/output error)`},
			[3]string{"old=old", "old=old", "old=old"},
		},
		"a sync that began before the write was done": {
			[]string{`openat(AT_FDCWD, "/old", O_RDWR) = 5`, `8 fsync(5 <unfinished ...>`, `write(5, "x", 1) = 1`, `8 <... fsync resumed>) = 0`},
			[3]string{"old=old", "old=old", "old=xld"},
		},
		"a number that was free before close was back": {
			[]string{`openat(AT_FDCWD, "/old", O_RDWR) = 5`, `8 close(5 <unfinished ...>`, `openat(AT_FDCWD, "/old", O_RDWR) = 5`, `8 <... close resumed>) = 0`, `write(5, "x", 1) = 1`},
			[3]string{"old=old", "old=old", "old=xld"},
		},
	}
	for name, tc := range cases {
		d := simulated(t)
		if err := d.apply(simCallsOf(t, d, tc.calls), func(traced) {}); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i, l := range losses()[:3] {
			if got := simTree(d.after(l)); got != tc.want[i] {
				t.Errorf("%s, %s: %q, want %q", name, l.name, got, tc.want[i])
			}
		}
	}
}

// A replay refuses what it does not know, on files of ours.
func TestSimDiskRefuses(t *testing.T) {
	cases := map[string]bool{
		`copy_file_range(5, NULL, 6, NULL, 9, 0) = 9`:                                      true,
		`fallocate(5, 0, 0, 4096) = 0`:                                                     true,
		`fallocate(77, 0, 0, 4096) = 0`:                                                    false,
		`truncate("/old", 3) = 0`:                                                          true,
		`mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 5, 0) = 0x7f0000000000`:        true,
		`mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_FIXED, 5, 0) = 0x7f000000`: false,
		`mmap(NULL, 4096, PROT_READ, MAP_SHARED, 5, 0) = 0x7f0000000000`:                   false,
		`write(5, "cut"..., 9) = 9`:                                                        true,
		`pread64(5, "old", 3, 0) = 3`:                                                      false,
	}
	for call, want := range cases {
		d := simulated(t)
		calls := simCallsOf(t, d, []string{`openat(AT_FDCWD, "/old", O_RDWR) = 5`, call})
		if err := d.apply(calls, func(traced) {}); (err != nil) != want {
			t.Errorf("%s: %v", call, err)
		}
	}
}

// In part, each piece of what was not synced is there or not.
func TestSimDiskInPart(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(200) {
		d := simulated(t)
		calls := simCallsOf(t, d, []string{`openat(AT_FDCWD, "/old", O_RDWR) = 5`, `pwrite64(5, "ABCD", 4, 2) = 4`})
		if err := d.apply(calls, func(traced) {}); err != nil {
			t.Fatal(err)
		}
		seen[simTree(d.after(loss{chance: rand.New(rand.NewPCG(seed, 0)), piece: 3}))] = true
	}
	var got []string
	for s := range seen {
		got = append(got, strings.ReplaceAll(s, "\x00", "."))
	}
	slices.Sort(got)
	// pieces end at 3 and 6; the length may be there without them
	if want := "old=olA old=olA... old=olABCD old=old old=old... old=oldBCD"; strings.Join(got, " ") != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// simulated is the disk of a directory with the file "old".
func simulated(t *testing.T) *simDisk {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "old"), []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := newSimDisk(dir)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// simCallsOf makes a log of calls as people write them: in strings, a path
// that begins with a slash is below the directory.
func simCallsOf(t *testing.T, d *simDisk, lines []string) []traced {
	t.Helper()
	quoted := regexp.MustCompile(`"[^"]*"`)
	var log strings.Builder
	for _, line := range lines {
		line = quoted.ReplaceAllStringFunc(line, func(s string) string {
			s = strings.Trim(s, `"`)
			if strings.HasPrefix(s, "/") {
				s = d.path + s
			}
			var b strings.Builder
			for _, c := range []byte(s) {
				fmt.Fprintf(&b, `\x%02x`, c)
			}
			return `"` + b.String() + `"`
		})
		if line[0] < '0' || line[0] > '9' {
			line = "7 " + line
		}
		log.WriteString(line + "\n")
	}
	calls, err := parseTrace(log.String())
	if err != nil {
		t.Fatal(err)
	}
	return calls
}

func simTree(left map[string]leftFile) string {
	var all []string
	for _, path := range sortedKeys(left) {
		if !left[path].mode.IsDir() {
			all = append(all, fmt.Sprintf("%s=%s", path, left[path].data))
		}
	}
	return strings.Join(all, " ")
}
