package commands

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"

	"filehsm/hsmfile"
)

// maxIdentity bounds an identity file; a post-quantum identity is a line of
// two kilobytes.
const maxIdentity = 1 << 20

const identityHint = "name the file that begins with AGE-SECRET-KEY or its comments; filehsm vault keygen made it"

// identity reads the file that --identity names, nil if it is not given. As
// with age, "-" is standard input.
func (c *call) identity() ([]byte, error) {
	path := c.Text("identity")
	if path == "" {
		return nil, nil
	}
	if isStdin(path) {
		in, err := c.Stdin("--identity " + path)
		if err != nil {
			return nil, err
		}
		return readIdentity(path, in)
	}
	f, err := await(c.ctx, func() (*os.File, error) { return os.Open(path) })
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return nil, err
		}
		return nil, &hsmfile.Error{Text: "--identity", Hint: identityHint, Err: err}
	}
	defer f.Close()
	text, err := await(c.ctx, func() ([]byte, error) { return readIdentity(path, f) })
	if err == nil {
		c.warnReadable(f, path)
	}
	return text, err
}

// warnReadable tells of an identity that others can read. It is no refusal, as
// with a password: after an accident the copy on a stick must do, and a stick's
// file system may know no modes.
func (c *call) warnReadable(f *os.File, path string) {
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 && !c.isGuarded(path) {
		c.Warn("--identity %s can be used by others (mode %04o): chmod 600 %s", path, info.Mode().Perm(), shellQuoted(path))
	}
}

func readIdentity(path string, in io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(in, maxIdentity))
	if errors.Is(err, syscall.EISDIR) {
		return nil, refusal(hsmfile.ErrNotFound, identityHint, "--identity: %q is a directory", path)
	}
	if err != nil {
		return nil, &hsmfile.Error{Text: "failed to read the identity " + path, Err: err}
	}
	if err := hsmfile.CheckIdentity(text); err != nil {
		return nil, about("--identity "+path, "", err)
	}
	return text, nil
}
