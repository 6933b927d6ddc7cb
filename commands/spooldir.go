package commands

import (
	"os"
	"regexp"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"filehsm/hsmfile"
)

// A spool directory is where a backup is collected before it goes to its
// vaults: numbered age files in a private directory below TMPDIR. Who works in
// one has it locked, so one that nobody has locked is a killed process's. It
// holds ciphertext, and can be as large as the image.

const spoolPrefix = program + "-spool-"

// spoolRest is how long nothing happened in a directory that is taken for left
// behind: more than lies between the making of one and its lock.
const spoolRest = time.Hour

// spoolNames are what is made here, and no other names are ever removed.
var spoolNames = struct{ dir, file *regexp.Regexp }{
	regexp.MustCompile(`^` + spoolPrefix + `[0-9]+$`), regexp.MustCompile(`^[0-9]{1,2}\` + ageSuffix + `$`),
}

// spoolDir is a private directory for ciphertext, gone when the command ends.
// What killed backups left is removed first.
func (c *call) spoolDir() (string, error) {
	removeDeadSpools(tempDir(c))
	dir, err := os.MkdirTemp(tempDir(c), spoolPrefix)
	if err != nil {
		return "", &hsmfile.Error{Text: "failed to make a directory for the encrypted backup", Hint: "TMPDIR names another place", Err: err}
	}
	if held, err := os.Open(dir); err == nil { // where there are no locks, nobody takes it for left behind
		_ = unix.Flock(int(held.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		c.AtEnd(held.Close)
	}
	c.AtEnd(func() error { return os.RemoveAll(dir) })
	return dir, nil
}

func tempDir(c *call) string {
	if dir := c.Env("TMPDIR"); dir != "" {
		return dir
	}
	return os.TempDir()
}

// removeDeadSpools removes what killed backups of this user left. It is best
// effort, and whatever is not certainly ours stays.
func removeDeadSpools(temp string) {
	root, err := os.OpenRoot(temp)
	if err != nil {
		return
	}
	defer root.Close()
	for _, name := range namesIn(root) {
		if spoolNames.dir.MatchString(name) && emptyDeadSpool(root, name) {
			_ = root.Remove(name) // a directory with anything in it stays
		}
	}
}

// emptyDeadSpool removes the age files of a spool directory, if it is one, and
// says whether that is what it was. All is done through the one open directory:
// in a place where everybody can write, the name may be another's by now.
func emptyDeadSpool(temp *os.Root, name string) bool {
	before, err := temp.Lstat(name)
	if err != nil || !before.IsDir() {
		return false
	}
	dir, err := temp.OpenRoot(name)
	if err != nil {
		return false
	}
	defer dir.Close()
	held, err := dir.Open(".")
	if err != nil {
		return false
	}
	defer held.Close()
	if !deadSpool(held, before) {
		return false
	}
	files := namesIn(dir)
	for _, file := range files {
		info, err := dir.Lstat(file)
		if err != nil || !info.Mode().IsRegular() || !spoolNames.file.MatchString(file) {
			return false
		}
	}
	for _, file := range files {
		_ = dir.Remove(file)
	}
	return true
}

// deadSpool says whether an open directory is a private one of this user's,
// the one that was found by its name, at rest, and locked by nobody. From then
// on it is locked by us.
func deadSpool(held *os.File, found os.FileInfo) bool {
	info, err := held.Stat()
	if err != nil || !os.SameFile(info, found) || info.Mode() != os.ModeDir|0o700 {
		return false
	}
	of, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(of.Uid) == os.Geteuid() && time.Since(info.ModTime()) > spoolRest &&
		unix.Flock(int(held.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil
}

// namesIn lists a directory, as far as it can be read.
func namesIn(root *os.Root) []string {
	d, err := root.Open(".")
	if err != nil {
		return nil
	}
	defer d.Close()
	names, _ := d.Readdirnames(-1)
	return names
}
