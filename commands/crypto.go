package commands

import (
	"filehsm/hsmfile"
	"filehsm/hsmfile/attr"
)

// cryptoNoun is what keys are used for.
func cryptoNoun() noun {
	return noun{
		name:  "crypto",
		usage: "use keys: sign and verify",
		nouns: []noun{
			{
				name:   "sign",
				usage:  "sign data with a private key",
				leaves: []leaf{cryptoSignLeaf("ecdsa", "with ECDSA"), cryptoSignLeaf("rsa-pkcs", "with RSA, PKCS #1 v1.5")},
			},
			{
				name:   "verify",
				usage:  "verify a signature with a public key",
				leaves: []leaf{cryptoVerifyLeaf("ecdsa", "of ECDSA"), cryptoVerifyLeaf("rsa-pkcs", "of RSA, PKCS #1 v1.5")},
			},
		},
	}
}

// signFlags are what signing and verifying have in common.
func signFlags(key string) []flag {
	return flags([]flag{
		filterFlag("key-filter", key),
		textFlag("hash-function", "HASH", "sha1, sha224, sha256, sha384 or sha512, default by the key"),
	}, inputFlags("data", "the data"), []flag{
		textFlag("data-type", "raw|digest", "raw (the default), or digest for data that is hashed already"),
	})
}

// signSpec reads what signing and verifying have in common.
func (c *call) signSpec(mechanism string) (spec hsmfile.SignSpec, err error) {
	spec = hsmfile.SignSpec{Mechanism: mechanism, Hash: c.Text("hash-function")}
	if spec.Filter, err = c.oneKey("key-filter"); err != nil {
		return spec, err
	}
	if spec.Digest, err = c.dataIsDigest(); err != nil {
		return spec, err
	}
	spec.Data, err = c.openInput("data")
	return spec, err
}

func (c *call) dataIsDigest() (bool, error) {
	words := []string{"raw", "digest"}
	switch given := c.TextOr("data-type", words[0]); given {
	case words[0]:
		return false, nil
	case words[1]:
		return true, nil
	default:
		hint := "one of: raw, digest"
		if near := attr.Nearest(given, words); near != "" {
			hint = "did you mean --data-type " + near + "?"
		}
		return false, usageError(hint, "unknown data type %q", given)
	}
}
