package commands

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"filehsm/hsmfile"
)

// Permissions of what a command writes, before the umask.
const (
	forAll   fs.FileMode = 0o644 // what is public: keys to verify with, signatures
	forOwner fs.FileMode = 0o600 // what is a secret under another key
)

func pathFlag() flag {
	return textFlag("path", "FILE", "write to this new file; without it, to standard output")
}

// An outFile is where a command puts the bytes it makes: a new file, a device
// or pipe, or standard output. It is opened before the work begins, so that a
// file which cannot be written is no surprise after an audit entry; it gets
// its name when it is whole, so that a failed command leaves none.
type outFile struct {
	path      string // "" for standard output
	identity  bool   // named by --identity, and not by --path
	temporary string // "" for a device or pipe
	file      *os.File
}

// openBinary is openOutput for bytes that are no text. A terminal is refused
// before anything is done for them.
func (c *call) openBinary(mode fs.FileMode) (*outFile, error) {
	if c.toStdout() && !c.JSON() && isTerminal(c.world.out) {
		return nil, usageError("give --path FILE, or --json for Base64, or send standard output to a file",
			"refusing to write binary data to a terminal")
	}
	return c.openOutput(mode)
}

// openOutput opens what --path names. A file that is there is never written
// over: it may be the only copy of another wrapped key.
func (c *call) openOutput(mode fs.FileMode) (*outFile, error) {
	o := &outFile{path: c.Text("path")}
	switch {
	case c.Given("path") && o.path == "":
		return nil, usageError("leave it out to write to standard output", "--path is empty")
	case c.toStdout():
		return &outFile{}, nil
	}
	c.AtEnd(o.discard)
	if info, err := os.Stat(o.path); err == nil && !info.IsDir() && !info.Mode().IsRegular() {
		return o, c.openDevice(o)
	}
	if _, err := os.Lstat(o.path); err == nil {
		return nil, o.taken()
	}
	return o, o.create(mode)
}

// toStdout: no file is named, or one of the names of standard output, which
// would otherwise be taken for the file that it was sent to.
func (c *call) toStdout() bool {
	path := c.Text("path")
	return !c.Given("path") || isStdout(path)
}

// isStdout: the ways to name standard output in place of a file.
func isStdout(path string) bool {
	return path == "-" || filepath.Clean(path) == "/dev/stdout" || filepath.Clean(path) == "/dev/fd/1"
}

// openDevice opens a device or a named pipe, which waits for its reader.
func (c *call) openDevice(o *outFile) (err error) {
	o.file, err = await(c.ctx, func() (*os.File, error) { return os.OpenFile(o.path, os.O_WRONLY, 0) })
	return o.failed(err)
}

func (o *outFile) taken() error {
	if o.identity {
		return usageError("name another file; an identity is never written over", "--identity: %s is there already", o.path)
	}
	return usageError("name another file, or remove this one first", "--path: %s is there already", o.path)
}

func (o *outFile) create(mode fs.FileMode) (err error) {
	o.temporary = filepath.Join(filepath.Dir(o.path), "."+filepath.Base(o.path)+"."+rand.Text()[:8])
	o.file, err = os.OpenFile(o.temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	return o.failed(err)
}

// failed names the file that was asked for, not the one beside it.
func (o *outFile) failed(err error) error {
	if err == nil {
		return nil
	}
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	}
	hint := ""
	switch {
	case errors.Is(err, fs.ErrNotExist):
		hint = "make the directory first: mkdir " + shellQuoted(filepath.Dir(o.path))
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		hint = "name a place that you may write"
	case hsmfile.NoRoom(err):
		hint = "free some space there, or name another place, then repeat"
	}
	return &hsmfile.Error{Text: "failed to write " + o.path, Hint: hint, Err: err}
}

// put writes the bytes and gives the command's result. What done says is for
// eyes, and only where standard output is not taken by the bytes; in JSON,
// encoded stands for the bytes where they do not go to a file.
func (o *outFile) put(b []byte, data object, encoded member, done view) (*Result, error) {
	if o.path == "" {
		return &Result{Data: append(data, encoded), Raw: b}, nil
	}
	if err := o.write(b); err != nil {
		return nil, err
	}
	return &Result{Data: append(data, member{"path", o.path}), View: done}, nil
}

func (o *outFile) write(b []byte) error {
	_, err := o.file.Write(b)
	if o.temporary != "" {
		err = errors.Join(err, o.file.Sync())
	}
	if err = errors.Join(err, o.file.Close()); err != nil {
		return o.failed(err)
	}
	o.file = nil
	if o.temporary == "" {
		return nil
	}
	return o.publish()
}

// publish gives the file its name without replacing what has got it since, and
// makes the name durable: whoever is told of a wrapped key or an identity may
// throw the other copy away. A file system without hard links has to do with a
// look before.
func (o *outFile) publish() error {
	if err := o.name(); err != nil {
		return err
	}
	if err := syncDirectory(filepath.Dir(o.path)); err != nil {
		_ = os.Remove(o.path) // nobody was told of it yet, and a failed command leaves no file
		return o.failed(err)
	}
	return nil
}

func (o *outFile) name() error {
	if os.Link(o.temporary, o.path) == nil {
		_ = os.Remove(o.temporary) // if it stays, discard tries again
		return nil
	}
	if _, err := os.Lstat(o.path); err == nil {
		return o.taken()
	}
	return o.failed(os.Rename(o.temporary, o.path))
}

// syncDirectory makes names durable. Where the directory may be written and
// not read, or its file system has no such call, they are as durable as the
// system makes them.
func syncDirectory(path string) error {
	d, err := os.Open(path)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	defer d.Close()
	err = d.Sync()
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL) {
		return nil
	}
	return err
}

// discard removes what was begun and not finished.
func (o *outFile) discard() error {
	if o.file != nil {
		_ = o.file.Close()
	}
	if o.temporary != "" {
		_ = os.Remove(o.temporary)
	}
	return nil
}
