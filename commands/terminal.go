package commands

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"

	"filehsm/hsmfile"
)

// openTerminal opens the terminal that the program was started from, whatever
// its standard streams are connected to.
func openTerminal() (*os.File, error) { return os.OpenFile("/dev/tty", os.O_RDWR, 0) }

// isTerminal says whether a stream is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// ask puts a question to the terminal and reads the answer without echo. The
// terminal is put right again also when Ctrl-C ends the wait; nothing has been
// counted then. Ctrl-Z ends it as well: the shell that brings a stopped program
// back has put the echo on again.
func (w *world) ask(ctx context.Context, question string) ([]byte, error) {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTSTP)
	defer stop()
	tty, err := w.terminal()
	if err != nil {
		return nil, err
	}
	defer tty.Close()
	fd := int(tty.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return nil, err
	}
	defer func() { _ = term.Restore(fd, before) }()
	if err := echoOff(fd); err != nil {
		return nil, err
	}
	fmt.Fprint(tty, plain(question))
	answer, err := await(ctx, func() ([]byte, error) { return typedUnseen(fd) })
	fmt.Fprintln(tty)
	return answer, err
}

// HasTerminal says whether a person can be asked.
func (c *call) HasTerminal() bool {
	tty, err := c.world.terminal()
	if err != nil {
		return false
	}
	tty.Close()
	return true
}

// Confirm asks to type word, as a brake before what cannot be undone. Without
// a terminal it refuses; hint names the flag that stands for the answer.
func (c *call) Confirm(question, word, hint string) error {
	tty, err := c.world.terminal()
	if err != nil {
		return usageError(hint, "there is no terminal to confirm this on")
	}
	defer tty.Close()
	fmt.Fprintf(tty, "%s\nType %s to go on: ", plain(question), plain(word))
	answer, err := await(c.ctx, func() (string, error) { return typedLine(tty) })
	if err != nil {
		fmt.Fprintln(tty)
		return err
	}
	if answer != word {
		return &hsmfile.Error{Kind: errUsage, Text: "not confirmed, nothing was done", Hint: "type " + word + " at the prompt"}
	}
	return nil
}

// typedLine reads one line with echo; longer than any label is wrong anyway.
func typedLine(tty io.Reader) (string, error) {
	in := bufio.NewScanner(io.LimitReader(tty, maxPassword))
	if !in.Scan() {
		return "", firstOf(in.Err(), interrupted())
	}
	return in.Text(), nil
}
