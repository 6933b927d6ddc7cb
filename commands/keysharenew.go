package commands

import (
	"slices"
	"strings"

	"filehsm/hsmfile"
)

const shareUsers = "share-crypto-users"

func shareUsersFlag() flag {
	return listFlag(shareUsers, "NAME", "let these CUs use it as well, from the moment it is there")
}

// actSharing is act for a command that makes a key, perhaps a shared one.
// Those it is shared with are looked for before anybody is asked for a
// password.
func (c *call) actSharing() (*hsmfile.Session, error) {
	im, err := c.openImage()
	if err != nil {
		return nil, err
	}
	if err := im.NeedState(hsmfile.Active); err != nil {
		return nil, err
	}
	if err := c.checkShareUsers(im); err != nil {
		return nil, err
	}
	return c.actOn(im, "")
}

func (c *call) checkShareUsers(im *hsmfile.Image) error {
	if !c.Given(shareUsers) {
		return nil
	}
	users, err := im.Users(c.ctx)
	if err != nil {
		return err
	}
	for _, name := range c.Words(shareUsers) {
		at := slices.IndexFunc(users, func(u hsmfile.UserInfo) bool { return strings.EqualFold(u.Username, name) })
		switch {
		case at < 0:
			return refusal(hsmfile.ErrNotFound, c.line("user list"), "%s: no user %q", im.Path(), name)
		case users[at].Role != hsmfile.CU:
			return notShared(im, &users[at])
		}
	}
	return nil
}
