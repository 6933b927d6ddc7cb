package mech

import (
	"crypto"
	_ "crypto/sha1" // hash functions are found by number below
	_ "crypto/sha256"
	_ "crypto/sha512"
	"hash"

	"filehsm/hsmfile/attr"
)

var hashTable = []struct {
	name string
	hash crypto.Hash
}{
	{"sha1", crypto.SHA1},
	{"sha224", crypto.SHA224},
	{"sha256", crypto.SHA256},
	{"sha384", crypto.SHA384},
	{"sha512", crypto.SHA512},
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

// Hashes lists the hash functions.
func Hashes() []string {
	var all []string
	for _, h := range hashTable {
		all = append(all, h.name)
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
		if h.name == name {
			return h.hash, nil
		}
	}
	return 0, unknown("hash function", name, Hashes())
}
