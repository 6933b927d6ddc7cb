package commands

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"
)

// patience is how long a story waits for a prompt.
const patience = 30 * time.Second

// cmdTerminal runs a command on a pseudo-terminal and answers its prompts.
//
//	terminal [-split] N DIALOG CMD...
//
// DIALOG is a file of lines:
//
//	expect TEXT    wait until the terminal shows TEXT
//	send TEXT      type TEXT and Enter
//	type TEXT      type TEXT
//	interrupt      type Ctrl-C
//	end            type Ctrl-D
//	quit           type Ctrl-\
//	suspend        type Ctrl-Z
//	kill N         send signal N to the process that the file "pid" names
//
// CMD must exit with N. What the terminal showed is in the file "tty". All of
// CMD's streams are the terminal, and stdout of the story is the same as tty;
// with -split only the prompts are there, standard input is empty, and stdout
// and stderr are captured as with exec.
func cmdTerminal(ts *testscript.TestScript, neg bool, args []string) {
	split := len(args) > 0 && args[0] == "-split"
	if split {
		args = args[1:]
	}
	wantArgs(ts, args, 3, -1, "terminal [-split] N DIALOG CMD...")
	dialog := ts.ReadFile(args[1])
	cmd, out, errs := storyCommand(ts, args[2:], split)
	screen, err := startOn(cmd, split)
	ts.Check(err)
	screen.pid = ts.MkAbs("pid")
	problem := screen.play(dialog)
	if problem != nil {
		_ = cmd.Process.Kill()
	}
	failed := cmd.Wait()
	shown := screen.close()
	ts.Check(os.WriteFile(ts.MkAbs("tty"), []byte(shown), 0o600))
	if !split {
		out.WriteString(shown)
	}
	fmt.Fprint(ts.Stdout(), out)
	fmt.Fprint(ts.Stderr(), errs)
	if problem != nil {
		ts.Fatalf("%v; the terminal shows:\n%s", problem, shown)
	}
	checkExit(ts, args[0], failed)
}

// storyCommand prepares a command in the directory and environment of the story.
func storyCommand(ts *testscript.TestScript, args []string, split bool) (cmd *exec.Cmd, out, errs *bytes.Buffer) {
	ts.Check(ts.Exec("printenviron"))
	environ := append(strings.Split(ts.ReadFile("stdout"), "\x00"), hasTerminal+"=1")
	path := args[0]
	for _, dir := range strings.Split(ts.Getenv("PATH"), string(os.PathListSeparator)) {
		if _, err := os.Stat(dir + "/" + path); err == nil {
			path = dir + "/" + path
			break
		}
	}
	cmd = &exec.Cmd{Path: path, Args: args, Env: environ, Dir: ts.MkAbs(".")}
	out, errs = &bytes.Buffer{}, &bytes.Buffer{}
	if split {
		cmd.Stdout, cmd.Stderr = out, errs
	}
	return cmd, out, errs
}

// startOn starts cmd as the leader of a session whose terminal is a new one.
func startOn(cmd *exec.Cmd, split bool) (*screen, error) {
	master, slave, err := pty.Open()
	if err != nil {
		return nil, err
	}
	defer slave.Close()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if split {
		cmd.ExtraFiles, cmd.SysProcAttr.Ctty = []*os.File{slave}, 3
	} else {
		cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &screen{master: master, done: make(chan struct{})}
	go s.read()
	return s, nil
}

// A screen is what a terminal has shown up to now.
type screen struct {
	master *os.File
	pid    string // the file that names a process to kill
	done   chan struct{}
	mu     sync.Mutex
	text   strings.Builder
	seen   int // up to here the dialog has been played
}

func (s *screen) read() {
	defer close(s.done)
	buf := make([]byte, 4096)
	for {
		n, err := s.master.Read(buf)
		s.mu.Lock()
		s.text.WriteString(strings.ReplaceAll(string(buf[:n]), "\r", ""))
		s.mu.Unlock()
		if err != nil {
			return // the last process closed the terminal
		}
	}
}

func (s *screen) close() string {
	select {
	case <-s.done:
	case <-time.After(patience):
	}
	s.master.Close()
	<-s.done
	return s.text.String()
}

func (s *screen) play(dialog string) error {
	for _, l := range strings.Split(strings.TrimSpace(dialog), "\n") {
		verb, text, _ := strings.Cut(l, " ")
		var err error
		switch verb {
		case "": // an empty dialog: nothing is asked
		case "expect":
			err = s.expect(text)
		case "send":
			_, err = s.master.WriteString(text + "\n")
		case "type":
			_, err = s.master.WriteString(text)
		case "interrupt":
			_, err = s.master.Write([]byte{3})
		case "end":
			_, err = s.master.Write([]byte{4})
		case "quit":
			_, err = s.master.Write([]byte{28})
		case "suspend":
			_, err = s.master.Write([]byte{26})
		case "kill":
			err = s.kill(text)
		default:
			err = fmt.Errorf("unknown line %q", l)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *screen) kill(signal string) error {
	text, err := os.ReadFile(s.pid)
	if err != nil {
		return err
	}
	pid, err1 := strconv.Atoi(strings.TrimSpace(string(text)))
	number, err2 := strconv.Atoi(signal)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	return syscall.Kill(pid, syscall.Signal(number))
}

func (s *screen) expect(text string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		ended := false
		select {
		case <-s.done:
			ended = true
		case <-ctx.Done():
			ended = true
		case <-time.After(5 * time.Millisecond):
		}
		if s.find(text) {
			return nil
		}
		if ended {
			return fmt.Errorf("the terminal never showed %q", text)
		}
	}
}

func (s *screen) find(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := strings.Index(s.text.String()[s.seen:], text)
	if at < 0 {
		return false
	}
	s.seen += at + len(text)
	return true
}
