package commands

import (
	"filehsm/hsmfile"
	"filehsm/hsmfile/attr"
)

const defaultAESBytes = 32

func generateAESLeaf() leaf {
	return leaf{
		name:    "aes",
		usage:   "make an AES key",
		example: "filehsm key generate-symmetric aes --label kek --usage wrap\nfilehsm key generate-symmetric aes --label kek --key-length-bytes 32 --attributes wrap=true unwrap=true\nfilehsm key generate-symmetric aes --label data --count 1000",
		flags:   symmetricFlags("16, 24 or 32, default 32"),
		run: func(c *call) (*Result, error) {
			return c.generateSymmetric(attr.AES, c.NumberOr("key-length-bytes", defaultAESBytes))
		},
	}
}

func generateSecretLeaf() leaf {
	return leaf{
		name:    "generic-secret",
		usage:   "make a secret of random bytes, for HMAC and derivation",
		example: "filehsm key generate-symmetric generic-secret --label hmac --key-length-bytes 64",
		flags:   symmetricFlags("1 to 800"),
		run: func(c *call) (*Result, error) {
			if !c.Given("key-length-bytes") {
				return nil, usageError("say how long it is to be: --key-length-bytes 32", "--key-length-bytes is missing")
			}
			return c.generateSymmetric(attr.GenericSecret, c.NumberOr("key-length-bytes", 0))
		},
	}
}

func symmetricFlags(lengths string) []flag {
	return []flag{
		labelFlag(),
		numberFlag("key-length-bytes", "N", "its length: "+lengths),
		usageFlag(),
		attributesFlag("attributes", "set these attributes, for example extractable=false"),
		shareUsersFlag(),
		countFlag("keys"),
	}
}

func (c *call) generateSymmetric(keyType attr.KeyType, length int) (*Result, error) {
	label, err := c.label("label")
	if err != nil {
		return nil, err
	}
	if err := c.checkCount(); err != nil {
		return nil, err
	}
	s, err := c.actSharing()
	if err != nil {
		return nil, err
	}
	spec := hsmfile.SymmetricSpec{
		Type: keyType, Bytes: length, Label: label,
		Usage: c.Words("usage"), Attributes: c.Words("attributes"), ShareWith: c.Words(shareUsers),
	}
	if c.Given("count") {
		return c.many(s, keysMaker(spec, s))
	}
	k, err := s.GenerateSymmetric(c.ctx, spec)
	if err != nil {
		return nil, err
	}
	return c.keyMade(s.Image(), k), nil
}
