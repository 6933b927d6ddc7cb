package commands

import (
	"slices"

	"filehsm/hsmfile"
)

// newPasswordGiven says whether the line tells where the new password comes
// from. Then it is read and checked before the login, so that a bad one
// changes nothing; a person is asked after he has proved who he is.
func (c *call) newPasswordGiven() bool {
	return c.Given("new-password-file") || c.Given("new-password-fd") || c.Switch("generate-password")
}

// passwordFor finds a user's new password and checks it. A person whose choice
// is refused is told why and chooses again.
func (c *call) passwordFor(name string, role hsmfile.Role) (*newPassword, error) {
	for tries := 1; ; tries++ {
		p, err := c.NewPassword(name, role.String())
		if err != nil {
			return nil, err
		}
		err = hsmfile.ValidatePassword(role, p.Bytes)
		if err == nil {
			return p, nil
		}
		if tries == askTimes || c.newPasswordGiven() {
			return nil, err
		}
		c.Warn("%v", err)
	}
}

// actWithNew proves who acts and finds the new password of the user acted on.
// brake is what a person is asked in between, before he invents a password for
// nothing; it may be nil.
func (c *call) actWithNew(im *hsmfile.Image, cr credentials, u *hsmfile.UserInfo, brake func(*hsmfile.Session) error) (*hsmfile.Session, *newPassword, error) {
	var p *newPassword
	var err error
	if c.newPasswordGiven() {
		if p, err = c.passwordFor(u.Username, u.Role); err != nil {
			return nil, nil, err
		}
	}
	s, err := c.actAs(im, cr)
	if err == nil && brake != nil {
		err = brake(s)
	}
	if err == nil && p == nil {
		p, err = c.passwordFor(u.Username, u.Role)
	}
	return s, p, err
}

// onceOnly follows a password that was made here.
const onceOnly = "\n(shown this once; give it to its user by a safe way)"

// generatedIn puts a password that was made here into a result, behind what is
// known before it is set; there is no other place and no second time to see it.
func (p *newPassword) generatedIn(data object, at int, page facts, row int) (object, facts) {
	if text := p.Shown(); text != "" {
		data = slices.Insert(data, at, member{"generated-password", text})
		page = slices.Insert(page, row, fact{"password", text + onceOnly})
	}
	return data, page
}
