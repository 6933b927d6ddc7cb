package commands

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"
)

// A call is one run of one leaf: its flags, arguments, settings, streams and
// credentials. It is all that a leaf's run function is given.
type call struct {
	ctx      context.Context
	world    *world
	cli      *cli.Context
	settings settings
	stdin    string // who has taken standard input, "" for nobody
	begun    []byte // the beginning of the result, where it is out already
	atEnd    []func() error
}

// Given says whether the flag stands on the line.
func (c *call) Given(name string) bool { return c.cli.IsSet(name) }

// Text is the flag's value, "" if it is not given.
func (c *call) Text(name string) string { return c.cli.String(name) }

// TextOr is the flag's value, or fallback if it is not given.
func (c *call) TextOr(name, fallback string) string {
	if c.Given(name) {
		return c.Text(name)
	}
	return fallback
}

// Switch says whether the switch is on.
func (c *call) Switch(name string) bool { return c.cli.Bool(name) }

// NumberOr is the number after the flag, or fallback if it is not given.
// argv has already refused what is no number.
func (c *call) NumberOr(name string, fallback int) int {
	if n, err := strconv.Atoi(c.Text(name)); err == nil && c.Given(name) {
		return n
	}
	return fallback
}

// PeriodOr is the length of time after the flag, or fallback.
func (c *call) PeriodOr(name string, fallback time.Duration) time.Duration {
	if d, err := time.ParseDuration(c.Text(name)); err == nil && c.Given(name) {
		return d
	}
	return fallback
}

// Words are all words of a list flag or of a repeated one, in order.
func (c *call) Words(name string) []string { return c.cli.StringSlice(name) }

// Arg is the argument at this place, counted from 0, or "".
func (c *call) Arg(i int) string { return c.cli.Args().Get(i) }

// Image is the path of the image to work on, as the user or the config names
// it. Every error and every state-changing result shows it.
func (c *call) Image() (string, error) {
	if path := c.settings.value("image"); path != "" {
		return path, nil
	}
	return "", usageError("name it with --image FILE or FILEHSM_IMAGE", "no image named")
}

// LockTimeout bounds the wait for a busy image.
func (c *call) LockTimeout() time.Duration { return c.settings.period("lock-timeout") }

// SessionTTL is how long a login lasts: --ttl, the config, or 15 minutes.
func (c *call) SessionTTL() time.Duration { return c.settings.period("ttl") }

// JSON says that the result goes out as one JSON object.
func (c *call) JSON() bool { return c.settings.value("output") == outputJSON }

// Env reads the environment of this run; an empty variable is an unset one.
func (c *call) Env(name string) string { return c.world.getenv(name) }

// Stdout is for commands that show their work as they go; a result is
// returned instead.
func (c *call) Stdout() io.Writer { return c.world.out }

// Stderr is for progress; warnings go through Warn.
func (c *call) Stderr() io.Writer { return c.world.err }

// Warn prints a warning beside the result.
func (c *call) Warn(format string, args ...any) {
	fmt.Fprintf(c.world.err, "%s: warning: %s\n", program, plain(fmt.Sprintf(format, args...)))
}

// Stdin gives standard input to the one that asks first; what names the asker
// ("--data-path -"). Ask before the login, so that a line that wants it twice
// fails before a password is counted.
func (c *call) Stdin(what string) (io.Reader, error) {
	if c.stdin != "" {
		return nil, usageError("give one of them a file or a descriptor",
			"standard input is wanted twice: by %s and by %s", c.stdin, what)
	}
	c.stdin = what
	return &untilDone{ctx: c.ctx, in: c.world.in}, nil
}

// AtEnd runs f after the result was printed, last one first: an image stays
// open while a long list is streamed from it.
func (c *call) AtEnd(f func() error) { c.atEnd = append(c.atEnd, f) }

// end closes what the leaf left open. What was done is done and printed, so a
// failure here is a warning.
func (c *call) end() {
	for i := len(c.atEnd) - 1; i >= 0; i-- {
		if err := c.atEnd[i](); err != nil {
			c.Warn("%v", err)
		}
	}
}
