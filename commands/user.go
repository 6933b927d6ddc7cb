package commands

import "filehsm/hsmfile"

func userNoun() noun {
	return noun{
		name:  "user",
		usage: "who may do what: officers (CO), key users (CU) and backup accounts (AU)",
		leaves: []leaf{
			userCreateLeaf(),
			userListLeaf(),
			userDeleteLeaf(),
			userChangePasswordLeaf(),
			userUnlockLeaf(),
		},
	}
}

// userFlags name the user acted on; who acts is said by --as.
func userFlags() []flag {
	return []flag{
		textFlag("username", "NAME", "the user acted on"),
		textFlag("role", "ROLE", "the role he must have: CO, CU, AU"),
	}
}

// roleFlag is the role on the line, 0 for none.
func (c *call) roleFlag() (hsmfile.Role, error) {
	if !c.Given("role") {
		return 0, nil
	}
	role, err := hsmfile.ParseRole(c.Text("role"))
	if err == nil && role == hsmfile.PRECO {
		err = usageError("the roles are CO (admin), CU (crypto-user) and AU (appliance-user)", "nobody but a new image's first user is a PRECO")
	}
	return role, err
}

// actedOn is the user that --username names. He is looked for before the
// login, so that nobody types a password for a slip.
func (c *call) actedOn(im *hsmfile.Image) (*hsmfile.UserInfo, error) {
	if err := im.NeedState(hsmfile.Active); err != nil {
		return nil, err
	}
	name, err := c.Need("username")
	if err != nil {
		return nil, err
	}
	role, err := c.roleFlag()
	if err != nil {
		return nil, err
	}
	u, err := c.findUser(im, name)
	if err != nil {
		return nil, err
	}
	if u == nil {
		return nil, refusal(hsmfile.ErrNotFound, c.line("user list"), "%s: no user %q", im.Path(), name)
	}
	return u, c.sameRole(im, u, role)
}

// sameRole: a role that is given must be the user's.
func (c *call) sameRole(im *hsmfile.Image, u *hsmfile.UserInfo, role hsmfile.Role) error {
	if role == 0 || role == u.Role {
		return nil
	}
	return refusal(hsmfile.ErrNotFound, c.line("user list"), "%s: no user %q with the role %s, he is a %s", im.Path(), u.Username, role, u.Role)
}

// aboutUser begins the data of a result that is about one user.
func aboutUser(im *hsmfile.Image, name string, role hsmfile.Role) object {
	return object{{"username", name}, {"role", role.String()}, {"image", im.Path()}}
}
