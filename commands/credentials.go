package commands

import (
	"strings"

	"filehsm/hsmfile"
	"filehsm/hsmfile/secret"
)

// credentials say who acts and how he proves it, as far as the line, the
// environment and the credential file tell.
//
// A command that logs in goes on like this:
//
//	Password != nil           log in with Name (if Name is "", the session's user) and it
//	Password == nil           use the open session, if there is one and it is Name's (or Name is "")
//	no session                ask with c.Password(name, role); without a terminal that is exit 11
//
// Where Name is "" and there is no session, Fallback is who to ask for; if
// that is "", too, c.noUser() is the error.
type credentials struct {
	Name     string        // who acts, "" if only the session can tell
	Fallback string        // the configuration's user
	Role     hsmfile.Role  // the role he must have, 0 for any
	Password *secret.Bytes // nil if no source before the session has one
	Source   string        // where the password comes from, for messages
}

// Credentials finds out who acts. name is the user of a command that names
// the one who logs in (login --username); "" means --as and what follows it.
func (c *call) Credentials(name string) (credentials, error) {
	cr := credentials{Name: name, Fallback: c.settings.value("as")}
	if cr.Name == "" {
		cr.Name = c.Text("as")
	}
	var err error
	if cr.Password, cr.Source, err = c.passwordFrom("password"); err != nil {
		return credentials{}, err
	}
	if cr.Name != "" && cr.Password != nil {
		return cr, nil
	}
	return c.withPin(cr)
}

// withPin fills in what a "user:password" pair tells, if there is one that is
// not another user's.
func (c *call) withPin(cr credentials) (credentials, error) {
	p, err := c.findPin(cr.Name)
	if err != nil || p == nil {
		return cr, err
	}
	cr.Name, cr.Role = p.user, p.role
	if cr.Password == nil {
		cr.Password, cr.Source = p.password, p.source
	}
	return cr, nil
}

// Password asks for a user's password on the terminal. Without one it is the
// error of a missing password source.
func (c *call) Password(name, role string) (*secret.Bytes, error) {
	return c.askFor("Password of "+joined(role, name)+": ",
		"give --password-file FILE, --password-fd N, FILEHSM_PIN=user:password "+
			"or $CREDENTIALS_DIRECTORY/filehsm-pin, or open a session with: "+program+" login --username "+name,
		"no password for "+quoted(name))
}

// askFor asks once. No terminal or an empty answer offers no password, so
// nothing is counted.
func (c *call) askFor(question, hint, refusal string) (*secret.Bytes, error) {
	if !c.HasTerminal() {
		return nil, sourceError(hint, "%s: no source names one and there is no terminal to ask on", refusal)
	}
	answer, err := c.world.ask(c.ctx, question)
	if err != nil {
		return nil, unreadable("the terminal", err)
	}
	if len(answer) == 0 {
		return nil, sourceError(hint, "%s: nothing was typed", refusal)
	}
	return secret.New(answer), nil
}

func joined(role, name string) string { return strings.TrimSpace(role + " " + name) }

// noUser is the error of a line that does not say who acts.
func (c *call) noUser() error {
	return sourceError("name him with --as NAME, or open a session with: "+program+" login --username NAME",
		"nobody is logged in and no user is named")
}
