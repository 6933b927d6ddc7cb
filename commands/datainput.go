package commands

import (
	"encoding/base64"
	"io"
	"os"
	"strings"

	"filehsm/hsmfile"
)

// inputFlags are the two ways to give data: --NAME in Base64, --NAME-path
// a file of the bytes themselves.
func inputFlags(name, what string) []flag {
	return []flag{
		textFlag(name, "BASE64", what+", in Base64"),
		textFlag(name+"-path", "FILE", what+", in a file; - for standard input"),
	}
}

// openInput opens what --NAME, --NAME-path or, without either, standard input
// gives. Call it before act: a line that wants standard input twice, or a file
// that is not there, fails before a password is asked for.
func (c *call) openInput(name string) (io.Reader, error) {
	path := c.Text(name + "-path")
	switch {
	case c.Given(name) && c.Given(name+"-path"):
		return nil, usageError("give one of them", "--%s and --%s-path are both given", name, name)
	case c.Given(name):
		return c.base64Input(name)
	case c.Given(name+"-path") && !isStdin(path):
		return c.fileInput(name, path)
	}
	return c.stdinInput(name)
}

func (c *call) base64Input(name string) (io.Reader, error) {
	b, err := base64.StdEncoding.DecodeString(c.Text(name))
	if err != nil {
		return nil, usageError("--"+name+"-path FILE takes the bytes as they are", "--%s is not Base64", name)
	}
	return strings.NewReader(string(b)), nil
}

// fileInput: opening a named pipe waits for its writer, which an interrupt
// must be able to end.
func (c *call) fileInput(name, path string) (io.Reader, error) {
	f, err := await(c.ctx, func() (*os.File, error) { return os.Open(path) })
	if err != nil {
		return nil, &hsmfile.Error{Text: "failed to open --" + name + "-path", Err: err}
	}
	c.AtEnd(f.Close)
	return &untilDone{ctx: c.ctx, in: f}, nil
}

// stdinInput does not wait for somebody to type bytes at a terminal.
func (c *call) stdinInput(name string) (io.Reader, error) {
	if isTerminal(c.world.in) {
		return nil, usageError("give --"+name+"-path FILE or --"+name+" BASE64, or send it through a pipe",
			"no %s: standard input is a terminal", name)
	}
	return c.Stdin("--" + name + "-path")
}
