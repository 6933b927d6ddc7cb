package commands

import (
	"fmt"

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
	if err := im.NeedState(hsmfile.Active); err != nil {
		return nil, err
	}
	cr, err := c.Credentials("")
	if err != nil {
		return nil, err
	}
	u, err := c.whosePassword(im, cr)
	if err != nil {
		return nil, err
	}
	if c.Given("confirm") {
		if err := c.confirmable(im, u.Username, "the user whose password is set"); err != nil {
			return nil, err
		}
	}
	s, p, err := c.actWithNew(im, cr, u, func(s *hsmfile.Session) error { return c.confirmReset(s, u) })
	if err != nil {
		return nil, err
	}
	defer p.Wipe()
	if s.Username() == u.Username {
		return c.setOwn(s, p)
	}
	return c.reset(s, u, p)
}

// whosePassword is the user named, or the one who acts. Nobody has proved
// anything yet; the new password is checked by the rules of this user's role.
func (c *call) whosePassword(im *hsmfile.Image, cr credentials) (*hsmfile.UserInfo, error) {
	if c.Given("username") {
		return c.actedOn(im)
	}
	role, err := c.roleFlag()
	if err != nil {
		return nil, err
	}
	cr, _, err = c.settleName(im, cr)
	if err != nil {
		return nil, err
	}
	u, err := c.findUser(im, cr.Name)
	if err != nil {
		return nil, err
	}
	if u == nil {
		return nil, refusal(hsmfile.ErrNotFound, c.line("user list"), "%s: no user %q", im.Path(), cr.Name)
	}
	return u, c.sameRole(im, u, role)
}

// setOwn ends the user's sessions, this one as well.
func (c *call) setOwn(s *hsmfile.Session, p *newPassword) (*Result, error) {
	im := s.Image()
	about := aboutUser(im, s.Username(), s.Role())
	data, page := p.generatedIn(about, len(about), facts{
		{"changed", fmt.Sprintf("the password of %s (%s); his sessions are ended", s.Username(), s.Role())},
		{"image", im.Path()},
	}, 2)
	changed := &Result{Data: data, View: page, Next: c.line("login --username %s", s.Username())}
	if err := c.showFirst(p, changed); err != nil {
		return nil, err
	}
	if err := s.ChangePassword(c.ctx, p.Bytes); err != nil {
		return nil, err
	}
	c.forgetSession(im, s.Username())
	return changed, nil
}

// confirmReset: where nobody but the user has the way to his keys, another's
// new password loses them, and the CO is told so first.
func (c *call) confirmReset(s *hsmfile.Session, u *hsmfile.UserInfo) error {
	policy, err := s.Image().Policy(c.ctx)
	if err != nil || policy.Reset != "drops-keys" || u.Role != hsmfile.CU || s.Username() == u.Username {
		return err
	}
	return c.confirmLoss(s, u.Username, "this image drops keys: a new password for %s, set by a CO, deletes %s of his, for ever")
}

// reset is a CO's act.
func (c *call) reset(s *hsmfile.Session, u *hsmfile.UserInfo, p *newPassword) (*Result, error) {
	if s.Role() == hsmfile.CO { // anybody else is refused, and shown nothing
		if err := c.showFirst(p, passwordReset(s.Image(), u, p, 0)); err != nil {
			return nil, err
		}
	}
	keys, err := s.ResetPassword(c.ctx, u.Username, p.Bytes)
	if err != nil {
		return nil, err
	}
	done := passwordReset(s.Image(), u, p, keys)
	done.Next = c.line("user change-password --as %s", u.Username) + "   # by himself: until then you know his password"
	return done, nil
}

// passwordReset has the number of deleted keys, which only the reset tells,
// behind a password that was made here.
func passwordReset(im *hsmfile.Image, u *hsmfile.UserInfo, p *newPassword, keys int) *Result {
	page := facts{{"changed", fmt.Sprintf("the password of %s (%s); he is unlocked, and his sessions are ended", u.Username, u.Role)}}
	image, gone := fact{"image", im.Path()}, fact{"deleted", counted(keys, "key") + " of his"}
	switch {
	case keys == 0:
		page = append(page, image)
	case p.generated:
		page = append(page, image, gone)
	default:
		page = append(page, gone, image)
	}
	about := aboutUser(im, u.Username, u.Role)
	data, page := p.generatedIn(append(about, member{"keys-deleted", keys}), len(about), page, 2)
	return &Result{Data: data, View: page}
}
