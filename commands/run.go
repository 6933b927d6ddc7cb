// Package commands is the command line of filehsm: flags, one call of the
// domain, rendering. It holds no cryptography and no formats.
//
// A command is a leaf: data plus a run function from a call to a Result. The
// line is put in order by argv.go, parsed by urfave/cli, run, and its Result
// or error is printed by output.go, all in one place, so that every command
// answers in the same two forms: tables for eyes, one JSON object for
// programs.
package commands

import (
	"context"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

const program = "filehsm"

// A world is everything outside the line that a run can touch. The demo runs
// the real commands in a world of its own.
type world struct {
	in       io.Reader
	out, err io.Writer
	lookup   func(string) (string, bool) // the environment
	terminal func() (*os.File, error)    // where a person can be asked
}

// Run runs one line in the world of the process and gives the exit code.
//
// A signal ends the context and is swallowed for good, also the second one: a
// login that was counted must get to settle, or an impatient Ctrl-C would be
// entered as a wrong password.
func Run(args []string, in io.Reader, out, err io.Writer) int {
	w := &world{in: in, out: out, err: err, lookup: os.LookupEnv, terminal: openTerminal}
	if asksVersion(args) {
		return w.answer(nil, line{version: true})
	}
	ctx, stop := signal.NotifyContext(context.Background(), endings()...)
	defer stop()
	return w.run(ctx, args)
}

// endings are the signals that end a run: Ctrl-C, Ctrl-\, a terminal that hangs
// up, a polite kill. A prompt puts the echo on again after each of them. One
// that whoever started us ignores (nohup, a job in the background) stays so.
func endings() []os.Signal {
	return slices.DeleteFunc([]os.Signal{os.Interrupt, syscall.SIGQUIT, syscall.SIGHUP, syscall.SIGTERM}, signal.Ignored)
}

// asksVersion knows the one line that scripts and editors run only to see
// whether we are here; it waits for nothing else, not for the tree either.
func asksVersion(args []string) bool { return len(args) == 1 && args[0] == "--version" }

// getenv is the one way to the environment; empty is unset.
func (w *world) getenv(name string) string {
	value, _ := w.lookup(name)
	return value
}

// run reads the line, runs its leaf and prints what came of it.
func (w *world) run(ctx context.Context, args []string) int {
	if len(args) > 0 && args[0] == completeWord {
		return w.complete(ctx, args[1:])
	}
	root := tree()
	l, err := readLine(root, args)
	if err != nil {
		return w.fail(w.wantsJSON(l), err)
	}
	if l.answered() {
		return w.answer(root, l)
	}
	return w.dispatch(ctx, root, l)
}

// wantsJSON decides the form of an error for a line that could not be read,
// or whose settings could not.
func (w *world) wantsJSON(l line) bool {
	for _, f := range l.flags {
		if f.name == "json" {
			return f.value == "true"
		}
	}
	return w.getenv("FILEHSM_OUTPUT") == outputJSON
}

// dispatch hands the rewritten line to urfave/cli, which calls the leaf back.
func (w *world) dispatch(ctx context.Context, root *noun, l line) int {
	code := 0
	app := newApp(root.only(l.path), func(c *call, run runFunc) { code = w.perform(c, run) }, w)
	if err := app.RunContext(ctx, append([]string{program}, l.words()...)); err != nil {
		return w.fail(w.wantsJSON(l), err)
	}
	return code
}

// perform runs one leaf and prints its result; its image stays open until the
// last row is out.
func (w *world) perform(c *call, run runFunc) int {
	err := c.checkSources()
	var result *Result
	if err == nil {
		result, err = run(c)
	}
	defer c.end()
	return w.print(c, result, err)
}
