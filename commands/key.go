package commands

import "filehsm/hsmfile/attr"

// keyNoun is what a CU does with his keys, beside using them (crypto.go).
func keyNoun() noun {
	return noun{
		name:  "key",
		usage: "keys: make, list, share, change, delete, wrap",
		leaves: []leaf{
			keyListLeaf(),
			keySetAttributeLeaf(),
			keyShareLeaf(),
			keyUnshareLeaf(),
			keyDeleteLeaf(),
			keyGenerateFileLeaf(),
		},
		nouns: []noun{
			{
				name:   "generate-symmetric",
				usage:  "make a secret key",
				leaves: []leaf{generateAESLeaf(), generateSecretLeaf()},
			},
			{
				name:   "generate-asymmetric-pair",
				usage:  "make a key pair",
				leaves: []leaf{generateRSALeaf(), generateECLeaf()},
			},
			{
				name:  "wrap",
				usage: "encrypt a key under another, to take it elsewhere",
				leaves: []leaf{
					keyWrapLeaf("aes-no-pad", "with AES key wrap (RFC 3394), for lengths that are multiples of 8 bytes"),
					keyWrapLeaf("aes-zero-pad", "with AES key wrap with padding (RFC 5649), for any length"),
				},
			},
			{
				name:  "unwrap",
				usage: "bring in a key that was wrapped here or elsewhere",
				leaves: []leaf{
					keyUnwrapLeaf("aes-no-pad", "bring in a key wrapped with AES key wrap (RFC 3394)"),
					keyUnwrapLeaf("aes-zero-pad", "bring in a key wrapped with AES key wrap with padding (RFC 5649)"),
				},
			},
		},
	}
}

// filterFlag picks one key; which one a command takes stands in usage.
func filterFlag(name, usage string) flag {
	return listFlag(name, "KEY", usage+" (a label, key-reference=0x... or attr.NAME=VALUE)")
}

func labelFlag() flag { return textFlag("label", "LABEL", "the key's label") }

func usageFlag() flag {
	return listFlag("usage", "sign|encrypt|wrap|derive", "what the key is for; sets the attributes for this and no other use")
}

func attributesFlag(name, usage string) flag { return listFlag(name, "NAME=VALUE", usage) }

// keyFilter reads a filter flag. Mistakes in it are found before anybody is
// asked for a password.
func (c *call) keyFilter(name string) (attr.Filter, error) {
	f, err := attr.ParseFilter(c.Words(name))
	if e, ok := err.(*attr.Error); ok {
		return f, usageError(e.Hint, "--%s: %s", name, e.Text)
	}
	return f, err
}

// oneKey is keyFilter for a command that works on one key.
func (c *call) oneKey(name string) (attr.Filter, error) {
	if !c.Given(name) {
		return attr.Filter{}, usageError("name one key by its label or reference: --"+name+" LABEL", "--%s is missing", name)
	}
	return c.keyFilter(name)
}

// label is the new key's label, which must be given: a key without one is
// hard to find again.
func (c *call) label(names ...string) (string, error) {
	for _, name := range names {
		if c.Given(name) {
			return c.Text(name), nil
		}
	}
	return "", usageError("name the key: --"+names[len(names)-1]+" LABEL", "--%s is missing", names[0])
}
