package commands

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filehsm/hsmfile"
	"filehsm/hsmfile/secret"
)

// A pin is a user and his password in one word, as CloudHSM's tools take it.
type pin struct {
	user     string
	role     hsmfile.Role
	password *secret.Bytes
	source   string
}

// findPin is the first pair that is there and is not another user's: a
// password is never tried on an account that it was not given for.
func (c *call) findPin(name string) (*pin, error) {
	for _, variable := range []string{"FILEHSM_PIN", "CLOUDHSM_PIN"} {
		p, err := c.pinInEnv(variable)
		if err != nil || p.isOf(name) {
			return p, err
		}
	}
	p, err := c.pinInCredentials()
	if err != nil || p.isOf(name) {
		return p, err
	}
	return nil, nil
}

// isOf: names are folded to lower case in an image.
func (p *pin) isOf(name string) bool {
	return p != nil && (name == "" || strings.EqualFold(name, p.user))
}

// pinInEnv also reads the role that CloudHSM wants beside its variable.
func (c *call) pinInEnv(variable string) (*pin, error) {
	text := c.Env(variable)
	if text == "" {
		return nil, nil
	}
	p, err := splitPin([]byte(text), variable)
	if err != nil {
		return nil, err
	}
	if role := c.Env("CLOUDHSM_ROLE"); role != "" {
		p.role, err = hsmfile.ParseRole(role)
	}
	return p, err
}

// pinInCredentials reads the file that systemd's LoadCredential= makes.
func (c *call) pinInCredentials() (*pin, error) {
	dir := c.Env("CREDENTIALS_DIRECTORY")
	if dir == "" {
		return nil, nil
	}
	path := filepath.Join(dir, program+"-pin")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	text, err := c.passwordInFile(path, path)
	if err != nil {
		return nil, err
	}
	return splitPin(text.Reveal(), path)
}

// splitPin cuts at the first colon: a name has none, a password may. A wrong
// pair is not repeated in the message, half of it may be a password.
func splitPin(text []byte, source string) (*pin, error) {
	user, password, ok := strings.Cut(string(text), ":")
	if !ok || user == "" || password == "" {
		return nil, sourceError("", "malformed %s, it wants user:password", source)
	}
	return &pin{user: user, password: secret.New([]byte(password)), source: source}, nil
}
