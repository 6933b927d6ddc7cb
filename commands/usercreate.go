package commands

import (
	"fmt"

	"filehsm/hsmfile"
)

func userCreateLeaf() leaf {
	return leaf{
		name:  "create",
		usage: "make a user",
		example: "filehsm user create --as admin --username alice --role CU\n" +
			"filehsm user create --username robot --role AU --new-password-file robot.pw",
		flags: flags([]flag{
			textFlag("username", "NAME", "the new user"),
			textFlag("role", "ROLE", "CO (admin), CU (crypto-user) or AU (appliance-user)"),
		}, newPasswordFlags()),
		run: userCreate,
	}
}

func userCreate(c *call) (*Result, error) {
	name, role, err := c.newUser()
	if err != nil {
		return nil, err
	}
	im, err := c.openImage()
	if err != nil {
		return nil, err
	}
	if err := c.nameIsFree(im, name); err != nil {
		return nil, err
	}
	cr, err := c.Credentials("")
	if err != nil {
		return nil, err
	}
	s, p, err := c.actWithNew(im, cr, &hsmfile.UserInfo{Username: name, Role: role}, nil)
	if err != nil {
		return nil, err
	}
	defer p.Wipe()
	made := userMade(im, name, role, p)
	if s.Role() == hsmfile.CO { // anybody else is refused, and shown nothing
		if err := c.showFirst(p, made); err != nil {
			return nil, err
		}
	}
	if err := s.CreateUser(c.ctx, name, role, p.Bytes); err != nil {
		return nil, err
	}
	made.Next = c.afterUser(im, name, role)
	return made, nil
}

func userMade(im *hsmfile.Image, name string, role hsmfile.Role, p *newPassword) *Result {
	about := aboutUser(im, name, role)
	data, page := p.generatedIn(about, len(about), facts{
		{"created", fmt.Sprintf("user %s (%s)", name, role)},
		{"image", im.Path()},
	}, 2)
	return &Result{Data: data, View: page}
}

// newUser is the name and role of the user to be made.
func (c *call) newUser() (string, hsmfile.Role, error) {
	given, err := c.Need("username")
	if err != nil {
		return "", 0, err
	}
	name, err := hsmfile.ValidateUsername(given)
	if err != nil {
		return "", 0, err
	}
	if _, err := c.Need("role"); err != nil {
		return "", 0, err
	}
	role, err := c.roleFlag()
	return name, role, err
}

// nameIsFree refuses a taken name before anybody types a password for it.
func (c *call) nameIsFree(im *hsmfile.Image, name string) error {
	if err := im.NeedState(hsmfile.Active); err != nil {
		return err
	}
	u, err := c.findUser(im, name)
	if u != nil {
		return usageError("choose another name: "+c.line("user list"), "%s: user %q exists already", im.Path(), name)
	}
	return err
}

// afterUser leads from user to user to the first backup.
func (c *call) afterUser(im *hsmfile.Image, name string, role hsmfile.Role) string {
	switch role {
	case hsmfile.CU:
		return c.line("login --username %s", name)
	case hsmfile.CO:
		return c.line("user list")
	}
	if vaults, err := im.Vaults(c.ctx); err == nil && len(vaults) > 0 {
		return c.line("backup create --as %s", name)
	}
	return c.line("vault keygen --identity key.txt")
}
