package dir

import (
	"crypto/rand"
	"io"
	"os"
	"strings"
	"time"
)

// A temporary file is the prefix and rand.Text's 26 characters. The dot keeps
// it apart from every stream.
const (
	tempPrefix = ".put-"
	tempLength = len(tempPrefix) + 26
)

// leftoverAge is how long a temporary file must have been untouched before it
// is taken for a killed put's. A living put touches its own at every block.
const leftoverAge = 24 * time.Hour

func newTempName() string { return tempPrefix + rand.Text() }

func isTempName(name string) bool {
	return len(name) == tempLength && strings.HasPrefix(name, tempPrefix)
}

// writeNew creates a file that was not there, fills it from r, syncs and
// closes it. On an error the file may exist; the caller removes it in either
// case.
func writeNew(root *os.Root, name string, perm os.FileMode, r io.Reader) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := copyBeside(f, r); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

// removeLeftovers removes what killed puts left behind. Age is counted back
// from a file just written here, because a network mount has its own clock.
// It is best effort: a leftover that stays must not fail a good put.
func removeLeftovers(root *os.Root, justWritten string) {
	now, err := root.Lstat(justWritten)
	if err != nil {
		return
	}
	d, err := root.Open(".")
	if err != nil {
		return
	}
	defer d.Close()
	names, _ := d.Readdirnames(-1)
	for _, name := range names {
		if !isTempName(name) {
			continue
		}
		info, err := root.Lstat(name)
		if err == nil && info.Mode().IsRegular() && now.ModTime().Sub(info.ModTime()) > leftoverAge {
			root.Remove(name)
		}
	}
}
