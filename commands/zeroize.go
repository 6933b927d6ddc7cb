package commands

import (
	"fmt"

	"filehsm/hsmfile"
)

func zeroizeLeaf() leaf {
	return leaf{
		name:  "zeroize",
		usage: "wipe every key and password, for ever",
		example: "filehsm zeroize --as admin --confirm prod\n" +
			"filehsm zeroize --no-login",
		flags: []flag{
			textFlag("confirm", "NAME", "the name of what is to be destroyed, instead of typing it"),
			switchFlag("no-login", "in an emergency: no password, but the label typed on a terminal"),
		},
		run: zeroize,
	}
}

func zeroize(c *call) (*Result, error) {
	im, err := c.openImage()
	if err != nil {
		return nil, err
	}
	if err := im.NeedState(hsmfile.Active); err != nil {
		return nil, err
	}
	st, err := im.Status(c.ctx)
	if err != nil {
		return nil, err
	}
	cost := c.costOf(im, st)
	if c.Switch("no-login") {
		err = c.zeroizeUnproved(im, cost)
	} else {
		err = c.zeroizeAsOfficer(im, cost)
	}
	if err != nil {
		return nil, err
	}
	c.forgetSession(im, "")
	return c.zeroized(cost), nil
}

// zeroizeUnproved wants a person at a terminal: a script without a password
// must not be able to do this by mistake.
func (c *call) zeroizeUnproved(im *hsmfile.Image, cost cost) error {
	if c.Given("confirm") {
		return usageError("leave --confirm out and type the label at the prompt", "--no-login takes no --confirm")
	}
	err := c.Confirm(cost.question(), cost.Label, "--no-login works on a terminal only; a script needs a CO: --as NAME --confirm LABEL")
	if err != nil {
		return about(im.Path(), "", err)
	}
	return im.ZeroizeUnauthenticated(c.ctx)
}

func (c *call) zeroizeAsOfficer(im *hsmfile.Image, cost cost) error {
	if err := c.confirmable(im, cost.Label, "the label of this image"); err != nil {
		return err
	}
	s, err := c.actOn(im, "")
	if err != nil {
		return err
	}
	if s.Role() == hsmfile.CO { // anybody else is refused, and need not type for it
		if err := c.confirmed(im, cost.question(), cost.Label); err != nil {
			return err
		}
	}
	return s.Zeroize(c.ctx)
}

func (c *call) zeroized(cost cost) *Result {
	switch {
	case len(cost.unseen) > 0:
		c.Warn("perhaps no restore brings all keys back: %s", cost.inNoBackup("was", "were"))
	case cost.unsaved > 0:
		c.Warn("no restore brings all keys back: %s", cost.inNoBackup("was", "were"))
	}
	return &Result{
		Data: object{{"image", cost.Path}, {"serial", cost.Serial}, {"state", hsmfile.Zeroized.String()},
			{"keys-deleted", cost.KeyCount}, {"keys-in-no-backup", cost.unsaved}, {"vaults-not-seen", append([]string{}, cost.unseen...)}},
		View: note(fmt.Sprintf("%s: zeroized, %s and all passwords are gone; %s\n"+
			"what a restore needs is still there: serial, fingerprint, list of users, vaults, audit log", cost.Path, counted(cost.KeyCount, "key"), cost.inNoBackup("was", "were"))),
		Next: c.line("backup restore --vault %s --identity FILE", hsmfile.VaultToRestore(cost.Vaults)),
	}
}
