package commands

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"filehsm/hsmfile"
)

// compareHead warns when the file at a path is older than the one seen there
// last: somebody, or a backup program, put an old copy back. It is a warning
// and never a refusal, and where there is no state directory it is silent.
func (c *call) compareHead(im *hsmfile.Image) {
	path := c.headFile(im)
	if path == "" {
		return
	}
	seq, hash, known := readHead(im, path)
	if known {
		if same, err := im.Continues(c.ctx, seq, hash); err == nil && !same {
			c.Warn("%s is not the file that was here before: it lacks audit entry %d; filehsm audit verify --vault NAME says whether it is an older copy", im.Path(), seq)
		}
	}
	c.AtEnd(func() error { c.rememberHead(im, path, seq, hash); return nil })
}

// readHead is what was noted of the image at a path, if it was of this one.
func readHead(im *hsmfile.Image, path string) (seq uint64, hash string, known bool) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, "", false
	}
	var id string
	if n, _ := fmt.Sscanf(string(b), "%s %d %s\n", &id, &seq, &hash); n != 3 || id != im.ID() {
		return 0, "", false
	}
	return seq, hash, true
}

// rememberHead notes the newest entry, if it is not the one noted before.
// Failing to is no reason to complain: a read-only home is a fine place to run
// from. It is not synced, which would cost every command that changes something
// as much as the change: when the power fails, the note of an older entry is as
// true, and an empty one is none.
func (c *call) rememberHead(im *hsmfile.Image, path string, seq uint64, hash string) {
	seq, hash, err := im.NewHead(c.ctx, seq, hash)
	if err != nil || seq == 0 || os.MkdirAll(filepath.Dir(path), 0o700) != nil {
		return
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // exclusive, and follows no link
	if err != nil {
		return
	}
	_, err = fmt.Fprintf(f, "%s %d %s\n", im.ID(), seq, hash)
	if errors.Join(err, f.Close()) != nil || os.Rename(f.Name(), path) != nil {
		os.Remove(f.Name())
	}
}

// headFile is named by the image's path: it is the path that must not change
// what lies there.
func (c *call) headFile(im *hsmfile.Image) string {
	absolute, err := filepath.Abs(im.Path())
	if err != nil {
		return ""
	}
	sum := sha256.Sum256([]byte(absolute))
	return c.stateFile("head-" + hex.EncodeToString(sum[:8]))
}
