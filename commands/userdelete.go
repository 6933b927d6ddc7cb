package commands

import "fmt"

func userDeleteLeaf() leaf {
	return leaf{
		name:    "delete",
		usage:   "remove a user and every key that he owns",
		example: "filehsm user delete --username alice --confirm alice",
		flags: flags(userFlags(), []flag{
			textFlag("confirm", "NAME", "the user's name, where keys go with him, instead of typing it"),
		}),
		run: userDelete,
	}
}

func userDelete(c *call) (*Result, error) {
	im, err := c.openImage()
	if err != nil {
		return nil, err
	}
	u, err := c.actedOn(im)
	if err != nil {
		return nil, err
	}
	if c.Given("confirm") {
		if err := c.confirmable(im, u.Username, "the user to be deleted"); err != nil {
			return nil, err
		}
	}
	s, err := c.actOn(im, "")
	if err != nil {
		return nil, err
	}
	if err := c.confirmLoss(s, u.Username, "deleting %s deletes %s with him, for ever"); err != nil {
		return nil, err
	}
	keys, err := s.DeleteUser(c.ctx, u.Username)
	if err != nil {
		return nil, err
	}
	return &Result{
		Data: append(aboutUser(im, u.Username, u.Role), member{"keys-deleted", keys}),
		View: note(fmt.Sprintf("%s: user %s (%s) is deleted, and %s with him", im.Path(), u.Username, u.Role, counted(keys, "key"))),
		Next: c.line("user list"),
	}, nil
}
