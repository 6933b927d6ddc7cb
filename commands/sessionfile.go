package commands

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"filehsm/hsmfile"
)

// sessionPath is where the session of this OS user on an image lies: the file
// that FILEHSM_SESSION names, else one named by the image id under
// $XDG_RUNTIME_DIR, which the system empties at logout, else under the state
// directory. "" if there is no place for one.
func (c *call) sessionPath(im *hsmfile.Image) string {
	if path := c.Env("FILEHSM_SESSION"); path != "" {
		return path
	}
	dir := c.Env("XDG_RUNTIME_DIR")
	if !filepath.IsAbs(dir) { // the XDG specification: a relative one is invalid
		return c.stateFile("session-" + im.ID())
	}
	return filepath.Join(dir, program, im.ID())
}

// stateFile is a file under $XDG_STATE_HOME, "" where there is no home.
func (c *call) stateFile(name string) string {
	dir := c.world.userDir("XDG_STATE_HOME", ".local/state")
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, program, name)
}

// maxSessionFile bounds what is read as a session file, in bytes.
const maxSessionFile = 4 << 10

// readSession reads the session file; nil if there is none, or an empty or
// erased one. One that others can read, or that is no session file, is a
// refusal: it may be somebody's trap.
func (c *call) readSession(im *hsmfile.Image) (*hsmfile.SessionToken, error) {
	path := c.sessionPath(im)
	if path == "" {
		return nil, nil
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, sourceError("remove it, and log in again", "failed to read the session file: %v", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
		return nil, sourceError("remove it, and log in again", "%s: a session file must be a file that its owner alone can read", path)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxSessionFile))
	if err != nil {
		return nil, err
	}
	if info.Size() == int64(len(b)) && len(bytes.Trim(b, "\x00")) == 0 {
		return nil, nil // its writer or eraser was killed, or the power failed
	}
	token, err := hsmfile.ParseSessionToken(b)
	if err != nil {
		return nil, sourceError("remove it, and log in again: "+path, "%s: %v", path, err)
	}
	return &token, nil
}

// writeSession puts a session file in place of the one before, which it
// overwrites. It is private from its first byte on. It is not synced: a
// session does not outlive the boot, and one of which the half is lost is none.
func (c *call) writeSession(im *hsmfile.Image, t hsmfile.SessionToken) error {
	path := c.sessionPath(im)
	if path == "" {
		return noSessionPlace()
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := eraseFile(path); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	content := t.Marshal()
	defer content.Wipe()
	_, err = f.Write(content.Reveal())
	return errors.Join(err, f.Close())
}

func noSessionPlace() error {
	return sourceError("set HOME, XDG_RUNTIME_DIR or FILEHSM_SESSION; scripts use --as and need no session", "there is no directory for a session file")
}

// eraseFile overwrites a file and removes it; one that is not there is gone.
// It never follows a link.
func eraseFile(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().IsRegular() {
		if f, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0); err == nil {
			_, werr := f.Write(make([]byte, info.Size()))
			if err := errors.Join(werr, f.Sync(), f.Close()); err != nil {
				return err
			}
		}
	}
	return os.Remove(path)
}
