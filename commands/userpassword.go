package commands

import (
	"fmt"
	"strings"

	"filehsm/hsmfile"
)

func userChangePasswordLeaf() leaf {
	return leaf{
		name:  "change-password",
		usage: "change the own password, or as a CO another user's",
		example: "filehsm user change-password --as alice\n" +
			"filehsm user change-password --as admin --username alice --generate-password",
		flags: flags([]flag{
			textFlag("username", "NAME", "the user whose password is set, default the one who acts"),
			textFlag("role", "ROLE", "the role he must have: CO, CU, AU"),
			textFlag("confirm", "NAME", "the user's name, where his keys are lost, instead of typing it"),
		}, newPasswordFlags()),
		run: userChangePassword,
	}
}

func userChangePassword(c *call) (*Result, error) {
	im, err := c.openImage()
	if err != nil {
		return nil, err
	}
	if !c.Given("username") {
		return c.changeOwn(im)
	}
	u, err := c.actedOn(im)
	if err != nil {
		return nil, err
	}
	if c.Given("confirm") {
		if err := c.confirmable(im, u.Username, "the user whose password is set"); err != nil {
			return nil, err
		}
	}
	return c.changeOf(im, u)
}

// changeOwn is for whoever acts. His role, which the rules of his password
// depend on, is known only then.
func (c *call) changeOwn(im *hsmfile.Image) (*Result, error) {
	role, err := c.roleFlag()
	if err != nil {
		return nil, err
	}
	s, err := c.actOn(im, "")
	if err != nil {
		return nil, err
	}
	if err := c.sameRole(im, hsmfile.UserInfo{Username: s.Username(), Role: s.Role()}, role); err != nil {
		return nil, err
	}
	p, err := c.passwordFor(s.Username(), s.Role())
	if err != nil {
		return nil, err
	}
	return c.setOwn(s, p)
}

// changeOf sets the password of the user who is named, be it the one who acts.
func (c *call) changeOf(im *hsmfile.Image, u *hsmfile.UserInfo) (*Result, error) {
	s, p, err := c.actWithNew(im, u.Username, u.Role)
	if err != nil {
		return nil, err
	}
	if strings.EqualFold(s.Username(), u.Username) {
		return c.setOwn(s, p)
	}
	return c.reset(s, u, p)
}

// setOwn ends the user's sessions, this one as well.
func (c *call) setOwn(s *hsmfile.Session, p *newPassword) (*Result, error) {
	defer p.Wipe()
	im := s.Image()
	if err := s.ChangePassword(c.ctx, p.Bytes); err != nil {
		return nil, err
	}
	c.forgetSession(im, s.Username())
	data, page := p.generatedIn(aboutUser(im, s.Username(), s.Role()), facts{
		{"changed", fmt.Sprintf("the password of %s (%s); his sessions are ended", s.Username(), s.Role())},
		{"image", im.Path()},
	})
	return &Result{Data: data, View: page, Next: c.line("login --username %s", s.Username())}, nil
}

// reset is a CO's act. Where nobody but the user has the way to his keys, they
// are lost, and the CO is told so first.
func (c *call) reset(s *hsmfile.Session, u *hsmfile.UserInfo, p *newPassword) (*Result, error) {
	defer p.Wipe()
	im := s.Image()
	policy, err := im.Policy(c.ctx)
	if err != nil {
		return nil, err
	}
	if policy.Reset == "drops-keys" && u.Role == hsmfile.CU {
		if err := c.confirmLoss(s, u.Username, "this image drops keys: a new password for %s, set by a CO, deletes %s of his, for ever"); err != nil {
			return nil, err
		}
	}
	keys, err := s.ResetPassword(c.ctx, u.Username, p.Bytes)
	if err != nil {
		return nil, err
	}
	what := fmt.Sprintf("the password of %s (%s); he is unlocked, and his sessions are ended", u.Username, u.Role)
	if keys > 0 {
		what += "\n" + counted(keys, "key") + " of his are deleted"
	}
	data, page := p.generatedIn(append(aboutUser(im, u.Username, u.Role), member{"keys-deleted", keys}), facts{
		{"changed", what},
		{"image", im.Path()},
	})
	return &Result{Data: data, View: page, Next: c.line("user change-password --as %s", u.Username) + "   # by himself: until then you know his password"}, nil
}
