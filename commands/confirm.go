package commands

import "filehsm/hsmfile"

// A command that destroys keys takes --confirm NAME, with the name of what is
// destroyed, or asks for that name on a terminal.

// confirmable refuses before the login what would be refused after it: a
// --confirm that names something else, or none and nobody to ask.
func (c *call) confirmable(im *hsmfile.Image, name, what string) error {
	hint := "add --confirm, naming " + what + "; filehsm status shows it" // not the name itself: it is looked up, so that it is this one that is meant
	if c.Given("confirm") && c.Text("confirm") != name {
		return usageError(hint, "%s: %q is not %s; nothing was done", im.Path(), c.Text("confirm"), what)
	}
	if !c.Given("confirm") && !c.HasTerminal() {
		return usageError(hint, "%s: this cannot be undone and has to be confirmed", im.Path())
	}
	return nil
}

// confirmed asks, unless the line has --confirm.
func (c *call) confirmed(im *hsmfile.Image, question, name string) error {
	if c.Given("confirm") {
		return nil
	}
	if err := c.Confirm(question, name, "add --confirm "+shellQuoted(name)); err != nil {
		return about(im.Path(), "", err)
	}
	return nil
}
