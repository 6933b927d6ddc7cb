package commands

import "filehsm/hsmfile"

func logoutLeaf() leaf {
	return leaf{
		name:    "logout",
		usage:   "end the open session",
		example: "filehsm logout",
		run:     logout,
	}
}

// logout needs no login and works in every state of the image. The session
// file goes first: it is the half that opens the other.
func logout(c *call) (*Result, error) {
	im, err := c.openImage()
	if err != nil {
		return nil, err
	}
	token, err := c.readSession(im)
	if err != nil {
		return nil, err
	}
	if token == nil {
		return &Result{
			Data: object{{"message", "nobody was logged in"}, {"image", im.Path()}},
			View: note(im.Path() + ": nobody was logged in"),
			Same: true,
		}, nil
	}
	if err := firstOf(eraseFile(c.sessionPath(im)), im.Logout(c.ctx, *token)); err != nil {
		return nil, err
	}
	return &Result{
		Data: object{{"message", "logout successful"}, {"username", token.Username()}, {"image", im.Path()}},
		View: note(im.Path() + ": " + token.Username() + " is logged out"),
		Next: c.line("login --username %s", token.Username()),
	}, nil
}

// forgetSession removes the session file of a user whose sessions have just
// been ended in the image.
func (c *call) forgetSession(im *hsmfile.Image, name string) {
	token, err := c.readSession(im)
	if err == nil && token != nil && (name == "" || token.Username() == name) {
		err = eraseFile(c.sessionPath(im))
	}
	if err != nil {
		c.Warn("%v", err)
	}
}
