package commands

import (
	"bytes"
	"os"

	"filehsm/hsmfile"
)

func vaultKeygenLeaf() leaf {
	return leaf{
		name:    "keygen",
		usage:   "make an age identity, the file that opens backups",
		example: "filehsm vault keygen --identity key.txt\nfilehsm vault keygen --identity key.txt --pq",
		flags: []flag{
			identityFlag("write the identity to this new file"),
			switchFlag("pq", "make a post-quantum identity; its recipient has 1,959 characters"),
		},
		run: vaultKeygen,
	}
}

func identityFlag(usage string) flag { return textFlag("identity", "FILE", usage) }

func vaultKeygen(c *call) (*Result, error) {
	path, err := c.Need("identity")
	if err != nil {
		return nil, err
	}
	if isStdout(path) {
		return nil, usageError("name a new file: --identity key.txt", "--identity %s: an identity is written to a file of its own, not to standard output", path)
	}
	fingerprint, err := c.fingerprintForIdentity()
	if err != nil {
		return nil, err
	}
	recipient, err := c.writeIdentity(path, fingerprint)
	if err != nil {
		return nil, err
	}
	data := object{{"identity", path}, {"recipient", recipient}, {"fingerprint", fingerprint}}
	view := facts{{"identity", path}, {"recipient", recipient}}
	if fingerprint != "" {
		view = append(view, fact{"fingerprint", fingerprint})
	} else {
		c.Warn("there is no active image here, so %s holds no fingerprint; a restore on another machine will ask for --trust", path)
	}
	keep := "Keep " + path + " outside the HSM and outside the vaults, in two copies. Without it no\n" +
		"backup can be restored; with it and a vault anybody can try passwords on them."
	return &Result{Data: data, View: views{view, note(keep)}, Next: c.line("vault add NAME DIR --recipient %s", c.recipientToType(path, recipient))}, nil
}

// recipientToType lets the shell fetch a recipient that nobody would type.
func (c *call) recipientToType(path, recipient string) string {
	if c.Switch("pq") {
		return `"$(sed -n 's/^# public key: //p' ` + shellQuoted(path) + `)"`
	}
	return recipient
}

// fingerprintForIdentity is the image's, if there is one. Only an image that
// the line itself names must be there: identities are often made first.
func (c *call) fingerprintForIdentity() (string, error) {
	im, err := c.openImage()
	if err != nil {
		if missing(err) && !c.Given("image") {
			err = nil
		}
		return "", err
	}
	return im.Info().Fingerprint, nil
}

// writeIdentity never writes over a file: it may be the only key to a year of
// backups.
func (c *call) writeIdentity(path, fingerprint string) (recipient string, err error) {
	var b bytes.Buffer
	recipient, err = hsmfile.GenerateIdentity(&b, c.Switch("pq"), fingerprint)
	if err != nil {
		return "", err
	}
	o := &outFile{path: path, identity: true}
	if _, err := os.Lstat(path); err == nil {
		return "", o.taken()
	}
	c.AtEnd(o.discard)
	if err := o.create(forOwner); err != nil {
		return "", err
	}
	return recipient, o.write(b.Bytes())
}
