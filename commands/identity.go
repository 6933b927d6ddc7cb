package commands

import (
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
	return await(c.ctx, func() ([]byte, error) {
		f, err := os.Open(path)
		if err != nil {
			return nil, &hsmfile.Error{Text: "--identity", Hint: identityHint, Err: err}
		}
		defer f.Close()
		return readIdentity(path, f)
	})
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
