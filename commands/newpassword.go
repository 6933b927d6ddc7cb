package commands

import (
	"crypto/subtle"

	"filehsm/hsmfile/secret"
)

// A newPassword is one that a command is about to set.
type newPassword struct {
	*secret.Bytes
	generated bool
}

// Shown is the password if it was made here, to be printed once in the
// result; else it is "", the user knows it.
func (p *newPassword) Shown() string {
	if p.generated {
		return string(p.Reveal())
	}
	return ""
}

// askTimes is how often two different answers may be typed for a new password.
const askTimes = 3

// NewPassword finds the password to set for a user. A leaf that calls it
// declares newPasswordFlags().
func (c *call) NewPassword(name, role string) (*newPassword, error) {
	p, _, err := c.passwordFrom("new-password")
	if p != nil || err != nil {
		return &newPassword{Bytes: p}, err
	}
	if c.Switch("generate-password") {
		if c.world.goesNowhere() {
			return nil, usageError("send standard output to a terminal or a file, or give --new-password-file FILE",
				"--generate-password: standard output is closed or /dev/null, and the password would be lost")
		}
		p, err := sixWords()
		return &newPassword{Bytes: p, generated: true}, err
	}
	for range askTimes {
		p, same, err := c.askTwice(joined(role, name))
		if same || err != nil {
			return &newPassword{Bytes: p}, err
		}
		c.Warn("the two are not the same")
	}
	return nil, sourceError("", "no new password for %q: the two were never the same", name)
}

func (c *call) askTwice(who string) (*secret.Bytes, bool, error) {
	const hint = "give --new-password-file FILE, --new-password-fd N or --generate-password"
	first, err := c.askFor("New password of "+who+": ", hint, "no new password for "+quoted(who))
	if err != nil {
		return nil, false, err
	}
	second, err := c.askFor("Again: ", hint, "no new password for "+quoted(who))
	if err != nil {
		return nil, false, err
	}
	defer second.Wipe()
	return first, subtle.ConstantTimeCompare(first.Reveal(), second.Reveal()) == 1, nil
}
