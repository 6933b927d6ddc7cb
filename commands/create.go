package commands

import (
	"os"
	"path/filepath"

	"filehsm/hsmfile"
)

func createLeaf() leaf {
	return leaf{
		name:  "create",
		usage: "make a new image; with --username it is ready to use",
		example: "filehsm create --image prod.hsm --label prod\n" +
			"filehsm create --image prod.hsm --label prod --username admin",
		flags: flags([]flag{
			textFlag("label", "TEXT", "what this HSM is called; zeroize asks for it"),
			textFlag("mode", "MODE", "non-fips, the default; it cannot be changed later"),
			textFlag("lockout", "PRESET", "what wrong passwords bring: three-strikes (the default), strict or cloudhsm; policy show explains"),
			textFlag("reset", "RULE", "where a CO resets a CU's password: keeps-keys (the default) or drops-keys"),
			textFlag("username", "NAME", "also activate the image: NAME is the first CO"),
		}, newPasswordFlags()),
		run: create,
	}
}

func create(c *call) (*Result, error) {
	path, err := c.newImagePath()
	if err != nil {
		return nil, err
	}
	if _, err := c.Need("label"); err != nil {
		return nil, err
	}
	spec := hsmfile.CreateSpec{Label: c.Text("label"), Mode: c.Text("mode"), Lockout: c.Text("lockout"), Reset: c.Text("reset")}
	if err := hsmfile.CanCreate(path, spec); err != nil {
		return nil, err
	}
	if c.Given("username") {
		return c.createActive(path, spec)
	}
	if c.newPasswordGiven() {
		return nil, usageError("add --username NAME to activate the image as well", "whose password? no user is named")
	}
	im, err := hsmfile.Create(c.ctx, path, spec, c.imageOptions())
	if err != nil {
		return nil, err
	}
	return c.created(im), nil
}

// newImagePath is the image's path. The directory of the image that nobody
// named is ours to make; any other is not.
func (c *call) newImagePath() (string, error) {
	path, err := c.Image()
	if err == nil && c.settings.get("image").origin == "default" {
		err = os.MkdirAll(filepath.Dir(path), 0o700)
	}
	return path, err
}

func (c *call) created(im *hsmfile.Image) *Result {
	i := im.Info()
	return &Result{
		Data: object{{"image", im.Path()}, {"serial", i.Serial}, {"label", i.Label}, {"mode", i.Mode}, {"state", i.State.String()}},
		View: facts{
			{"created", im.Path()},
			{"serial", i.Serial},
			{"label", i.Label},
			{"state", i.State.String()},
		},
		Next: c.line("activate --username admin"),
	}
}

func (c *call) createActive(path string, spec hsmfile.CreateSpec) (*Result, error) {
	name, err := hsmfile.ValidateUsername(c.Text("username"))
	if err != nil {
		return nil, err
	}
	p, err := c.passwordFor(name, hsmfile.CO)
	if err != nil {
		return nil, err
	}
	defer p.Wipe()
	what := fact{"created", path}
	if err := c.showFirst(p, c.activated(path, hsmfile.Info{}, name, p, what)); err != nil {
		return nil, err
	}
	s, err := hsmfile.CreateActive(c.ctx, path, spec, name, p.Bytes, c.imageOptions())
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return c.activated(path, s.Image().Info(), name, p, what), nil
}
