package commands

import (
	"io"

	"github.com/urfave/cli/v2"
)

type runFunc func(*call) (*Result, error)

// newApp builds the library's tree from ours. Everything in which the library
// would act on its own (exit, print help, split values at commas, take -v for
// the version) is switched off here, for the whole tree.
func newApp(root *noun, perform func(*call, runFunc), w *world) *cli.App {
	app := &cli.App{
		Name:                      root.name,
		Usage:                     root.usage,
		Writer:                    io.Discard,
		ErrWriter:                 io.Discard,
		HideHelp:                  true,
		HideVersion:               true,
		HideHelpCommand:           true,
		DisableSliceFlagSeparator: true,
		OnUsageError:              onUsageError,
		ExitErrHandler:            func(*cli.Context, error) {},
	}
	app.Commands = appCommands(root, perform, w)
	return app
}

// onUsageError is reached only by a line that argv.go let through by mistake.
func onUsageError(_ *cli.Context, err error, _ bool) error {
	return usageError("", "%s", err)
}

func appCommands(n *noun, perform func(*call, runFunc), w *world) []*cli.Command {
	var all []*cli.Command
	for i := range n.leaves {
		all = append(all, leafCommand(&n.leaves[i], perform, w))
	}
	for i := range n.nouns {
		below := &n.nouns[i]
		all = append(all, &cli.Command{
			Name: below.name, Usage: below.usage,
			HideHelp: true, HideHelpCommand: true, OnUsageError: onUsageError,
			Subcommands: appCommands(below, perform, w),
		})
	}
	return all
}

func leafCommand(l *leaf, perform func(*call, runFunc), w *world) *cli.Command {
	cmd := &cli.Command{
		Name: l.name, Usage: l.usage, ArgsUsage: l.args,
		Description: "Example: " + l.example,
		HideHelp:    true, HideHelpCommand: true, OnUsageError: onUsageError,
	}
	for _, f := range flags(l.flags, commonFlags()) {
		cmd.Flags = append(cmd.Flags, f.parsed())
	}
	cmd.Action = func(ctx *cli.Context) error {
		c := &call{ctx: ctx.Context, world: w, cli: ctx}
		if err := c.loadSettings(); err != nil {
			return err
		}
		perform(c, l.run)
		return nil
	}
	return cmd
}

// parsed is the flag as the library knows it. Numbers and times stay text:
// argv.go has checked them, with words of ours.
func (f flag) parsed() cli.Flag {
	switch f.kind {
	case kindSwitch:
		return &cli.BoolFlag{Name: f.name, Usage: f.usage}
	case kindEach, kindList:
		return &cli.StringSliceFlag{Name: f.name, Usage: f.usage, KeepSpace: true}
	}
	return &cli.StringFlag{Name: f.name, Usage: f.usage}
}
