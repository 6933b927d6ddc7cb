package commands

import "filehsm/hsmfile"

func whoamiLeaf() leaf {
	return leaf{
		name:    "whoami",
		usage:   "show who would act in a command like this one",
		example: "filehsm whoami",
		run:     whoami,
	}
}

// whoami proves who acts by the same door as every other command, so it also
// tells whether a script's password is right.
func whoami(c *call) (*Result, error) {
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
	s, err := c.actAs(im, cr)
	if err != nil {
		return nil, err
	}
	data := object{{"username", s.Username()}, {"role", s.Role().String()}, {"image", im.Path()}, {"expires", nil}}
	page := facts{{"user", s.Username()}, {"role", s.Role().String()}, {"image", im.Path()}}
	if t := c.openSession(im); t != nil && cr.Password == nil && t.Username() == s.Username() {
		data[len(data)-1].value = stamp(t.Expires())
		page = append(page, fact{"session", "until " + shown(t.Expires())})
	}
	return &Result{Data: data, View: page}, nil
}

// openSession is the session that a command without a password would take up,
// nil if there is none. A session file that cannot be used is a warning.
func (c *call) openSession(im *hsmfile.Image) *hsmfile.SessionToken {
	token, err := c.readSession(im)
	if err != nil {
		c.Warn("%v", err)
	}
	if err != nil || token == nil {
		return nil
	}
	s, err := im.Resume(c.ctx, *token)
	if err != nil {
		return nil
	}
	s.Close()
	return token
}
