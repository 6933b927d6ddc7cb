package commands

import (
	"context"
	"errors"
	"io"
	"path/filepath"

	"filehsm/hsmfile"
)

// interrupted is what a read gives back when a signal ended the wait.
func interrupted() error {
	return &hsmfile.Error{Kind: context.Canceled, Text: "interrupted"}
}

// await runs a read that may block for ever (a terminal, a pipe without a
// writer) and gives up when the program is interrupted, or its time is over.
func await[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		value, err := read()
		done <- outcome{value, err}
	}()
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		var none T
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return none, context.Cause(ctx)
		}
		return none, interrupted()
	}
}

// untilDone is a reader that an interrupt ends. Read it to the end in one
// goroutine.
type untilDone struct {
	ctx context.Context
	in  io.Reader
	own []byte // an abandoned read must not write into the caller's memory
}

func (u *untilDone) Read(b []byte) (int, error) {
	own := u.own
	if u.own = nil; len(own) < len(b) {
		own = make([]byte, len(b))
	}
	n, err := await(u.ctx, func() (int, error) { return u.in.Read(own[:len(b)]) })
	if u.ctx.Err() == nil { // nobody is reading into it any more
		u.own = own
	}
	return copy(b, own[:n]), err
}

// isStdin: the ways to name standard input in place of a file.
func isStdin(path string) bool {
	return path == "-" || filepath.Clean(path) == "/dev/stdin" || filepath.Clean(path) == "/dev/fd/0"
}

// checkSources refuses a line that names two places for one password: the
// user may mean either.
func (c *call) checkSources() error {
	for _, rivals := range [][]string{{"password-file", "password-fd"}, {"new-password-file", "new-password-fd", "generate-password"}} {
		var given []string
		for _, name := range rivals {
			if c.Given(name) {
				given = append(given, "--"+name)
			}
		}
		if len(given) > 1 {
			return usageError("leave one of them out", "%s and %s are both given", given[0], given[1])
		}
	}
	return c.checkStdin()
}

// checkStdin refuses a line on which two flags would share one stream: the
// first would take the second one's bytes. It runs before anything is done.
func (c *call) checkStdin() error {
	var users []string
	for _, name := range []string{"password", "new-password"} {
		switch {
		case c.Given(name+"-file") && isStdin(c.Text(name+"-file")):
			users = append(users, "--"+name+"-file")
		case c.Given(name+"-fd") && c.NumberOr(name+"-fd", -1) == 0:
			users = append(users, "--"+name+"-fd")
		}
	}
	if len(users) == 2 {
		c.stdin = users[0]
		_, err := c.Stdin(users[1])
		return err
	}
	if c.Given("password-fd") && c.Text("password-fd") == c.Text("new-password-fd") {
		return usageError("open a descriptor for each", "--password-fd and --new-password-fd are the same descriptor")
	}
	return nil
}
