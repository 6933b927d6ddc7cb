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
	if c.Switch("no-login") {
		err = c.zeroizeUnproved(im, st)
	} else {
		err = c.zeroizeAsOfficer(im, st)
	}
	if err != nil {
		return nil, err
	}
	c.forgetSession(im, "")
	return c.zeroized(st), nil
}

// zeroizeUnproved wants a person at a terminal: a script without a password
// must not be able to do this by mistake.
func (c *call) zeroizeUnproved(im *hsmfile.Image, st *hsmfile.Status) error {
	if c.Given("confirm") {
		return usageError("leave --confirm out and type the label at the prompt", "--no-login takes no --confirm")
	}
	err := c.Confirm(wipeQuestion(st), st.Label, "--no-login works on a terminal only; a script needs a CO: --as NAME --confirm LABEL")
	if err != nil {
		return about(im.Path(), "", err)
	}
	return im.ZeroizeUnauthenticated(c.ctx)
}

func (c *call) zeroizeAsOfficer(im *hsmfile.Image, st *hsmfile.Status) error {
	if err := c.confirmable(im, st.Label, "the label of this image"); err != nil {
		return err
	}
	s, err := c.actOn(im, "")
	if err != nil {
		return err
	}
	if s.Role() == hsmfile.CO { // anybody else is refused, and need not type for it
		if err := c.confirmed(im, wipeQuestion(st), st.Label); err != nil {
			return err
		}
	}
	return s.Zeroize(c.ctx)
}

func wipeQuestion(st *hsmfile.Status) string {
	return fmt.Sprintf("this wipes %s, %s and all passwords, for ever; %d are in no backup", st.Path, counted(st.KeyCount, "key"), st.KeysNotInBackup)
}

func (c *call) zeroized(st *hsmfile.Status) *Result {
	return &Result{
		Data: object{{"image", st.Path}, {"serial", st.Serial}, {"state", hsmfile.Zeroized.String()}, {"keys-deleted", st.KeyCount}},
		View: note(fmt.Sprintf("%s: zeroized, %s and all passwords are gone\n"+
			"what a restore needs is still there: serial, fingerprint, list of users, vaults, audit log", st.Path, counted(st.KeyCount, "key"))),
		Next: c.line("backup restore --vault %s --identity FILE", hsmfile.VaultToRestore(st.Vaults)),
	}
}
