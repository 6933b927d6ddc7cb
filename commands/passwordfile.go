package commands

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filehsm/hsmfile/secret"
)

// maxPassword bounds what is read as a password. The longest that is accepted
// is far shorter; a larger file is not a password file.
const maxPassword = 4 << 10

// passwordFrom reads the password that --NAME-file or --NAME-fd gives, nil if
// neither is on the line. NAME is "password" or "new-password".
func (c *call) passwordFrom(name string) (*secret.Bytes, string, error) {
	file, fd := name+"-file", name+"-fd"
	if c.Given(file) {
		source := "--" + file + " " + c.Text(file)
		p, err := c.passwordInFile(source, c.Text(file))
		return p, source, err
	}
	if c.Given(fd) {
		source := "--" + fd + " " + c.Text(fd)
		p, err := c.passwordInDescriptor(fd, c.NumberOr(fd, -1))
		return p, source, err
	}
	return nil, "", nil
}

func (c *call) passwordInFile(source, path string) (*secret.Bytes, error) {
	if isStdin(path) {
		return c.passwordInStdin(source)
	}
	return await(c.ctx, func() (*secret.Bytes, error) {
		f, err := os.Open(path)
		if err != nil {
			return nil, unreadable(source, err)
		}
		defer f.Close()
		if err := c.checkPrivate(f, path); err != nil {
			return nil, err
		}
		return readPassword(source, f)
	})
}

// passwordInStdin reads a pipe or a file; at a terminal it would be shown
// while it is typed.
func (c *call) passwordInStdin(source string) (*secret.Bytes, error) {
	in, err := c.Stdin(source)
	if err != nil {
		return nil, err
	}
	if isTerminal(c.world.in) {
		return nil, sourceError("leave the flag out to be asked without echo",
			"%s: standard input is a terminal", source)
	}
	return readPassword(source, in)
}

// passwordInDescriptor does not look at permissions: whoever opened the
// descriptor was allowed to, and a memory file shows bits that mean nothing.
func (c *call) passwordInDescriptor(flag string, fd int) (*secret.Bytes, error) {
	source := fmt.Sprintf("--%s %d", flag, fd)
	if fd == 0 {
		return c.passwordInStdin(source)
	}
	f := os.NewFile(uintptr(fd), source)
	if f == nil {
		return nil, sourceError("", "%s: not a descriptor", source)
	}
	if _, err := f.Stat(); err != nil {
		return nil, sourceError("open it in the shell: --"+flag+" 3 3<FILE", "%s: not an open descriptor", source)
	}
	return readPassword(source, &untilDone{ctx: c.ctx, in: f})
}

// unreadable tells why a source gave nothing. The system's error is told but
// not wrapped: whatever it was, the exit code is that of a missing password.
func unreadable(source string, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	}
	return sourceError("", "failed to read %s: %v", source, err)
}

// readPassword takes everything up to the end, less one newline.
func readPassword(source string, in io.Reader) (*secret.Bytes, error) {
	text := make([]byte, 0, maxPassword+1) // one piece, so that no copy stays behind
	for len(text) <= maxPassword {
		n, err := in.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		if err == io.EOF {
			return trimmed(source, text)
		}
		if err != nil {
			return nil, unreadable(source, err)
		}
	}
	clear(text)
	return nil, sourceError("", "%s holds more than %d bytes, which is no password", source, maxPassword)
}

// trimmed cuts the newline that editors and echo leave at the end. An empty
// password is none, and no image takes one with a line break: neither is ever
// offered, so neither counts.
func trimmed(source string, text []byte) (*secret.Bytes, error) {
	if line, ok := bytes.CutSuffix(text, []byte("\n")); ok {
		text = bytes.TrimSuffix(line, []byte("\r"))
	}
	if len(text) == 0 {
		return nil, sourceError("", "%s is empty", source)
	}
	if bytes.ContainsAny(text, "\r\n") {
		clear(text)
		return nil, sourceError("", "%s holds more than one line, which is no password", source)
	}
	return secret.New(text), nil
}

// checkPrivate refuses a regular file that others can read. Pipes have no
// readers but ours; systemd and container engines guard their directories.
func (c *call) checkPrivate(f *os.File, path string) error {
	info, err := f.Stat()
	if err != nil {
		return unreadable(quoted(path), err)
	}
	if info.IsDir() {
		return sourceError("", "password file %q is a directory", path)
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 == 0 || c.isGuarded(path) {
		return nil
	}
	return sourceError("chmod 600 "+path, "password file %q can be used by others (mode %04o)", path, info.Mode().Perm())
}

// isGuarded follows symbolic links first: a link out of such a directory is
// not guarded by it.
func (c *call) isGuarded(path string) bool {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false
	}
	if real, err = filepath.Abs(real); err != nil {
		return false
	}
	for _, dir := range []string{c.Env("CREDENTIALS_DIRECTORY"), "/run/secrets"} {
		if dir, err := filepath.EvalSymlinks(dir); err == nil && dir != "" &&
			strings.HasPrefix(real, fmt.Sprintf("%s%c", filepath.Clean(dir), filepath.Separator)) {
			return true
		}
	}
	return false
}
