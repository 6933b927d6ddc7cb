package commands

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
)

func demoLeaf() leaf {
	return leaf{
		name:    "demo",
		usage:   "live through the whole incident on a throw-away HSM",
		example: "filehsm demo\nfilehsm demo --dir try",
		flags:   []flag{textFlag("dir", "DIR", "keep the files in DIR, which is empty or not there yet")},
		run:     runDemo,
	}
}

// runDemo runs the real commands, one after another, in a world of their own:
// nothing of the caller's environment, config or session reaches them.
func runDemo(c *call) (*Result, error) {
	dir, err := demoDir(c.Text("dir"))
	if err != nil {
		return nil, err
	}
	d := &demo{dir: dir, out: c.Stdout()}
	if c.JSON() {
		d.out = c.Stderr()
	}
	back, err := d.enter()
	if err != nil {
		return nil, err
	}
	defer back()
	for _, step := range demoSteps {
		if err := d.run(c.ctx, step); err != nil {
			return nil, err
		}
	}
	return d.result(), nil
}

// demoDir makes the directory, or takes an empty one.
func demoDir(dir string) (string, error) {
	if dir == "" {
		return os.MkdirTemp("", program+"-demo-")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	if len(entries) > 0 {
		return "", usageError("name one that is empty, or not there yet", "%s: the demo's directory is not empty", dir)
	}
	return filepath.Abs(dir)
}

// demo is one run of it.
type demo struct {
	dir string
	out io.Writer
}

// enter goes to the directory, so that the commands stand there as a user
// would type them, and lays out the files that they read.
func (d *demo) enter() (back func(), err error) {
	before, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	if err := os.Chdir(d.dir); err != nil {
		return nil, err
	}
	for _, f := range demoFiles {
		err = errors.Join(err, os.WriteFile(f.name, []byte(f.content), 0o600))
	}
	err = errors.Join(err, os.Mkdir("usb", 0o700))
	fmt.Fprintf(d.out, "$ cd %s\n$ export FILEHSM_IMAGE=prod.hsm\n", d.dir)
	return func() { os.Chdir(before) }, err
}

// lookup is the demo's whole environment.
func (d *demo) lookup(name string) (string, bool) {
	value, ok := map[string]string{
		"FILEHSM_IMAGE":   "prod.hsm",
		"HOME":            d.dir,
		"XDG_CONFIG_HOME": filepath.Join(d.dir, ".config"),
		"XDG_STATE_HOME":  filepath.Join(d.dir, ".state"),
		"XDG_RUNTIME_DIR": filepath.Join(d.dir, ".run"),
		"TMPDIR":          d.dir,
	}[name]
	return value, ok
}

// run shows a command, runs it and shows what it prints.
func (d *demo) run(ctx context.Context, step demoStep) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if step.say != "" {
		fmt.Fprintf(d.out, "\n# %s\n", step.say)
	}
	line, err := d.fill(step.line)
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "$ %s\n", line)
	var printed bytes.Buffer
	w := &world{in: strings.NewReader(""), out: &printed, err: &printed, lookup: d.lookup,
		terminal: func() (*os.File, error) { return nil, errors.New("the demo asks nothing") }}
	code := w.run(ctx, strings.Fields(line)[1:])
	d.out.Write(printed.Bytes())
	if code != step.code {
		return fmt.Errorf("the demo broke off: exit code %d where %d was expected; its files are in %s", code, step.code, d.dir)
	}
	if code != 0 {
		fmt.Fprintf(d.out, "(exit code %d)\n", code)
	}
	return nil
}

// fill puts in the recipient, once keygen has made it.
func (d *demo) fill(line string) (string, error) {
	if !strings.Contains(line, "RECIPIENT") {
		return line, nil
	}
	f, err := os.Open("key.txt")
	if err != nil {
		return "", err
	}
	defer f.Close()
	identities, err := age.ParseIdentities(f)
	if err != nil {
		return "", err
	}
	x, ok := identities[0].(*age.X25519Identity)
	if !ok {
		return "", errors.New("the demo's identity is of another kind")
	}
	return strings.ReplaceAll(line, "RECIPIENT", x.Recipient().String()), nil
}

// result says what was left behind and how to go on.
func (d *demo) result() *Result {
	return &Result{
		Data: map[string]string{"directory": d.dir, "image": filepath.Join(d.dir, "prod.hsm"),
			"vault": filepath.Join(d.dir, "usb"), "identity": filepath.Join(d.dir, "key.txt")},
		View: views{note(""), note("That was the whole incident. Everything is still there to play with:"), facts{
			{"directory", d.dir},
			{"image", "prod.hsm (admin.pw, alice.pw and robot.pw hold the passwords)"},
			{"vault", "usb"},
			{"identity", "key.txt"},
			{"go on with", "cd " + d.dir + " && filehsm status --image prod.hsm"},
			{"your own", "filehsm create --image my.hsm --label NAME --username admin"},
		}},
	}
}
