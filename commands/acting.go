package commands

import (
	"errors"
	"strings"
	"time"

	"filehsm/hsmfile"
)

// openImage opens the image that the line, the environment or the config
// names. Warnings of the image are printed beside the result.
func (c *call) openImage() (*hsmfile.Image, error) {
	path, err := c.Image()
	if err != nil {
		return nil, err
	}
	im, err := hsmfile.Open(c.ctx, path, c.imageOptions())
	if err != nil {
		return nil, err
	}
	c.compareHead(im)
	return im, nil
}

func (c *call) imageOptions() hsmfile.Options {
	return hsmfile.Options{LockTimeout: c.LockTimeout(), Warn: func(text string) { c.Warn("%s", text) }}
}

// act opens the image and proves who acts on it: with the password that the
// line or the environment gives, with the open session, or by asking. The
// session is closed after the result was printed.
func (c *call) act() (*hsmfile.Session, error) {
	im, err := c.openImage()
	if err != nil {
		return nil, err
	}
	return c.actOn(im, "")
}

// actOn is act for an image that is open already; name is the user whom a
// command itself names, "" for none.
func (c *call) actOn(im *hsmfile.Image, name string) (*hsmfile.Session, error) {
	if err := im.NeedState(hsmfile.Active); err != nil {
		return nil, err // nobody can log in, so nobody is asked to
	}
	cr, err := c.Credentials(name)
	if err != nil {
		return nil, err
	}
	return c.actAs(im, cr)
}

// actAs is actOn for credentials that were looked for already.
func (c *call) actAs(im *hsmfile.Image, cr credentials) (*hsmfile.Session, error) {
	s, err := c.prove(im, cr)
	if err != nil {
		return nil, err
	}
	return c.keep(s), nil
}

// keep closes a session after the result was printed, and tells its user what
// he should know.
func (c *call) keep(s *hsmfile.Session) *hsmfile.Session {
	c.AtEnd(func() error { s.Close(); return nil })
	if n := s.FailuresSince(); n > 0 {
		c.Warn("%s of %q since the last right one", counted(n, "failed login"), s.Username())
	}
	return s
}

// prove follows the order that credentials describes.
func (c *call) prove(im *hsmfile.Image, cr credentials) (*hsmfile.Session, error) {
	cr, token, err := c.settleName(im, cr)
	if err != nil {
		return nil, err
	}
	if cr.Password == nil && token != nil && strings.EqualFold(token.Username(), cr.Name) {
		s, err := im.Resume(c.ctx, *token)
		if !errors.Is(err, hsmfile.ErrNotFound) {
			return s, err
		}
		if !c.HasTerminal() { // a session that is over is a password source that is not there
			return nil, sourceError(hsmfile.HintOf(err), "%w", err)
		}
		c.Warn("%v", err)
	}
	return c.login(im, cr, 0)
}

// settleName finds out who acts, where only the session or the configuration
// can tell, and gives the session token if one was looked for.
func (c *call) settleName(im *hsmfile.Image, cr credentials) (credentials, *hsmfile.SessionToken, error) {
	var token *hsmfile.SessionToken
	if cr.Name == "" || cr.Password == nil { // what is explicit needs no session, so a broken one cannot stop it
		var err error
		if token, err = c.readSession(im); err != nil {
			return cr, nil, err
		}
	}
	if cr.Name == "" && token != nil {
		cr.Name = token.Username()
	}
	if cr.Name == "" {
		cr.Name = cr.Fallback
	}
	if cr.Name == "" {
		return cr, nil, c.noUser()
	}
	return cr, token, nil
}

// login asks for the password if no source gave one, and logs in: for this command
// alone, or with a session of this length.
func (c *call) login(im *hsmfile.Image, cr credentials, session time.Duration) (*hsmfile.Session, error) {
	offer := hsmfile.Credentials{Username: cr.Name, Role: cr.Role, Password: cr.Password, LastAttempt: c.Switch("last-attempt"), SessionTTL: session}
	if offer.Password == nil {
		role, err := c.roleOf(im, cr)
		if err != nil {
			return nil, err
		}
		if err := im.Admit(c.ctx, offer); err != nil {
			return nil, err
		}
		if offer.Password, err = c.Password(cr.Name, role); err != nil {
			return nil, err
		}
	}
	defer offer.Password.Wipe()
	return im.Login(c.ctx, offer)
}

// roleOf is the word for the prompt: "CO", or "" for a user who is not there.
func (c *call) roleOf(im *hsmfile.Image, cr credentials) (string, error) {
	u, err := c.findUser(im, cr.Name)
	if u == nil || u.Role == hsmfile.PRECO {
		return "", err
	}
	return u.Role.String(), nil
}

// findUser looks in the list of users, which needs no login; nil if there is
// nobody of this name.
func (c *call) findUser(im *hsmfile.Image, name string) (*hsmfile.UserInfo, error) {
	users, err := im.Users(c.ctx)
	for _, u := range users {
		if strings.EqualFold(u.Username, name) {
			return &u, nil
		}
	}
	return nil, err
}
