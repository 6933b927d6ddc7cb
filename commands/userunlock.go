package commands

import "fmt"

func userUnlockLeaf() leaf {
	return leaf{
		name:    "unlock",
		usage:   "set a user's failed logins to zero",
		example: "filehsm user unlock --as admin --username alice",
		flags:   userFlags(),
		run:     userUnlock,
	}
}

func userUnlock(c *call) (*Result, error) {
	im, err := c.openImage()
	if err != nil {
		return nil, err
	}
	u, err := c.actedOn(im)
	if err != nil {
		return nil, err
	}
	s, err := c.actOn(im, "")
	if err != nil {
		return nil, err
	}
	if err := s.Unlock(c.ctx, u.Username); err != nil {
		return nil, err
	}
	was := "was not locked"
	if u.Locked {
		was = "is unlocked"
	}
	return &Result{
		Data: aboutUser(im, u.Username, u.Role),
		View: note(fmt.Sprintf("%s: user %s (%s) %s, and has no failed logins now", im.Path(), u.Username, u.Role, was)),
		Next: c.line("login --username %s", u.Username),
	}, nil
}
