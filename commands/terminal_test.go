package commands

import (
	"context"
	"os"
	"os/signal"
)

// runAsker is a program that only asks, so that the prompts have a story of
// their own: asker password | new | confirm | binary | next.
func runAsker() {
	leaveTerminal()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	root := &noun{name: program, leaves: []leaf{
		{name: "password", run: askPassword},
		{name: "new", flags: newPasswordFlags(), run: askNewPassword},
		{name: "confirm", run: askConfirm},
		{name: "binary", run: func(*call) (*Result, error) { return &Result{Raw: []byte("\x00\x01")}, nil }},
		{name: "next", run: func(*call) (*Result, error) {
			return &Result{View: note("done"), Next: "filehsm status"}, nil
		}},
	}}
	w := &world{in: os.Stdin, out: os.Stdout, err: os.Stderr, lookup: os.LookupEnv, terminal: openTerminal}
	l, err := readLine(root, os.Args[1:])
	if err != nil {
		os.Exit(w.fail(false, err))
	}
	os.Exit(w.dispatch(ctx, root, l))
}

func askPassword(c *call) (*Result, error) {
	cr, err := c.Credentials("")
	if err != nil {
		return nil, err
	}
	if cr.Password == nil {
		if cr.Password, err = c.Password("admin", "CO"); err != nil {
			return nil, err
		}
	}
	return message("got " + string(cr.Password.Reveal())), nil
}

func askNewPassword(c *call) (*Result, error) {
	p, err := c.NewPassword("alice", "CU")
	if err != nil {
		return nil, err
	}
	return message("got " + string(p.Reveal()) + ", show " + p.Shown()), nil
}

func askConfirm(c *call) (*Result, error) {
	if err := c.Confirm("This destroys every key.", "prod", "use --confirm prod"); err != nil {
		return nil, err
	}
	return message("confirmed"), nil
}
