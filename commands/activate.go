package commands

import "filehsm/hsmfile"

func activateLeaf() leaf {
	return leaf{
		name:    "activate",
		usage:   "make the first CO of a new image",
		example: "filehsm activate --username admin --new-password-file co.pw",
		flags: flags([]flag{
			textFlag("username", "NAME", "the first CO, default admin"),
		}, newPasswordFlags()),
		run: activate,
	}
}

// activate is done by the PRECO, who has no password: whoever holds a new
// image may become its first CO.
func activate(c *call) (*Result, error) {
	name, err := hsmfile.ValidateUsername(c.TextOr("username", "admin"))
	if err != nil {
		return nil, err
	}
	im, err := c.openImage()
	if err != nil {
		return nil, err
	}
	if err := im.NeedState(hsmfile.Uninitialized); err != nil {
		return nil, err
	}
	p, err := c.passwordFor(name, hsmfile.CO)
	if err != nil {
		return nil, err
	}
	defer p.Wipe()
	what := fact{"activated", im.Path()}
	if err := c.showFirst(p, c.activated(im.Path(), im.Info(), name, p, what)); err != nil {
		return nil, err
	}
	s, err := im.Activate(c.ctx, name, p.Bytes)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return c.activated(im.Path(), s.Image().Info(), name, p, what), nil
}

// activated shows the fingerprint: the one thing that tells this HSM from any
// other, and that a restore on another machine will ask for. It is known last,
// so a password that was made here stands before it.
func (c *call) activated(path string, i hsmfile.Info, name string, p *newPassword, what fact) *Result {
	role := hsmfile.CO.String()
	data := object{
		{"image", path}, {"serial", i.Serial}, {"label", i.Label}, {"mode", i.Mode}, {"state", i.State.String()},
		{"username", name}, {"role", role}, {"fingerprint", i.Fingerprint},
	}
	page := facts{
		what,
		{"serial", i.Serial},
		{"label", i.Label},
		{"state", i.State.String()},
		{"user", name + " (" + role + ")"},
		{"fingerprint", i.Fingerprint},
	}
	data, page = p.generatedIn(data, 1, page, 1)
	return &Result{
		Data: data,
		View: views{page, note("Write the fingerprint down and keep it outside of this machine: a restore\nelsewhere asks for it to know that a backup is of this HSM.")},
		Next: c.line("user create --as %s --username alice --role CU", name),
	}
}
