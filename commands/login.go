package commands

import (
	"fmt"

	"filehsm/hsmfile"
)

func loginLeaf() leaf {
	return leaf{
		name:  "login",
		usage: "open a session, so that the next commands ask for no password",
		example: "filehsm login --username alice\n" +
			"filehsm login --username admin --role admin --ttl 1h",
		flags: []flag{
			textFlag("username", "NAME", "who logs in"),
			textFlag("role", "ROLE", "the role that he must have: CO, CU, AU"),
			periodFlag("ttl", "how long the session lasts, default 15m, at most 24h"),
		},
		run: login,
	}
}

// login never takes up the open session: one could be prolonged for ever.
func login(c *call) (*Result, error) {
	role, err := c.roleFlag()
	if err != nil {
		return nil, err
	}
	if err := hsmfile.ValidateTTL(c.SessionTTL()); err != nil {
		return nil, err
	}
	im, err := c.openImage()
	if err != nil {
		return nil, err
	}
	if err := im.NeedState(hsmfile.Active); err != nil {
		return nil, err
	}
	before, err := c.readSession(im)
	if err != nil {
		return nil, err
	}
	s, err := c.loginAs(im, role)
	if err != nil {
		return nil, err
	}
	token, err := c.keepSession(s)
	if err != nil {
		return nil, err
	}
	if before != nil {
		if err := im.Logout(c.ctx, *before); err != nil { // the login is made
			c.Warn("the session of %s before it is not ended: %v", before.Username(), err)
			before = nil
		}
	}
	return c.loggedIn(s, token, before), nil
}

func (c *call) loginAs(im *hsmfile.Image, role hsmfile.Role) (*hsmfile.Session, error) {
	if c.sessionPath(im) == "" {
		return nil, noSessionPlace()
	}
	cr, err := c.Credentials(c.Text("username"))
	if err != nil {
		return nil, err
	}
	if cr.Name == "" {
		cr.Name = cr.Fallback
	}
	if cr.Name == "" {
		return nil, usageError("filehsm login --username NAME", "who logs in? no user is named")
	}
	if role != 0 {
		cr.Role = role
	}
	s, err := c.login(im, cr, c.SessionTTL())
	if err != nil {
		return nil, err
	}
	return c.keep(s), nil
}

// keepSession leaves the session in the image and in the file. The one that was
// there before nobody can find any more.
func (c *call) keepSession(s *hsmfile.Session) (hsmfile.SessionToken, error) {
	im := s.Image()
	token, err := s.Persist(c.ctx, c.SessionTTL())
	if err != nil {
		return token, err
	}
	if err := c.writeSession(im, token); err != nil {
		return token, firstOf(err, im.Logout(c.ctx, token))
	}
	return token, nil
}

func (c *call) loggedIn(s *hsmfile.Session, t hsmfile.SessionToken, before *hsmfile.SessionToken) *Result {
	text := fmt.Sprintf("%s: %s is logged in as %s until %s", s.Image().Path(), s.Username(), s.Role(), shown(t.Expires()))
	data := object{{"username", s.Username()}, {"role", s.Role().String()}, {"image", s.Image().Path()}, {"expires", stamp(t.Expires())}}
	if before != nil {
		text += fmt.Sprintf("\nthe session of %s before it is ended", before.Username())
		data = append(data, member{"replaced", before.Username()})
	}
	return &Result{Data: data, View: note(text), Next: c.firstStep(s.Role())}
}

// firstStep is what a user of this role most likely came for.
func (c *call) firstStep(role hsmfile.Role) string {
	switch role {
	case hsmfile.CU:
		return c.line("key generate-symmetric aes --label NAME --usage encrypt")
	case hsmfile.AU:
		return c.line("backup create")
	}
	return c.line("user create --username NAME --role CU")
}
