package mech

import (
	"crypto"
	"crypto/fips140"
	_ "crypto/sha1" // hash functions are found by number below
	_ "crypto/sha256"
	_ "crypto/sha512"
	"hash"

	"filehsm/hsmfile/attr"
)

var hashTable = []struct {
	name     string
	hash     crypto.Hash
	approved bool // where only approved algorithms run, the others panic
}{
	{"sha1", crypto.SHA1, false},
	{"sha224", crypto.SHA224, true},
	{"sha256", crypto.SHA256, true},
	{"sha384", crypto.SHA384, true},
	{"sha512", crypto.SHA512, true},
}

// defaultHash: as strong as the curve, and SHA-256 for RSA.
var defaultHash = map[string]string{
	"secp224r1": "sha256",
	"secp256r1": "sha256",
	"secp384r1": "sha384",
	"secp521r1": "sha512",
	"":          "sha256",
}

// DefaultHash is the hash function for a key when none is asked for.
func DefaultHash(key *attr.Set) string { return defaultHash[key.Curve] }

// Hashes lists the hash functions that may be used in this process.
func Hashes() []string {
	var all []string
	for _, h := range hashTable {
		if h.approved || !fips140.Enforced() {
			all = append(all, h.name)
		}
	}
	return all
}

// NewHash starts a hash function, for data of any length.
func NewHash(name string) (hash.Hash, error) {
	h, err := lookupHash(name)
	if err != nil {
		return nil, err
	}
	return h.New(), nil
}

func lookupHash(name string) (crypto.Hash, error) {
	for _, h := range hashTable {
		if h.name == name && (h.approved || !fips140.Enforced()) {
			return h.hash, nil
		}
	}
	return 0, unknown("hash function", name, Hashes())
}
