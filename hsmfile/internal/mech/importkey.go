package mech

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/secret"
)

// keyTypeClass is a row of CloudHSM's --key-type-class: what an unwrapped
// payload is to become.
type keyTypeClass struct {
	name    string
	class   attr.Class
	keyType attr.KeyType
	// normal checks a payload and returns it in the form that is stored.
	normal func(payload *secret.Bytes) (*secret.Bytes, error)
}

var keyTypeClasses = []keyTypeClass{
	{"aes", attr.SecretKey, attr.AES, asIs},
	{"generic-secret", attr.SecretKey, attr.GenericSecret, asIs},
	{"ec-private", attr.PrivateKey, attr.EC, normalEC},
	{"rsa-private", attr.PrivateKey, attr.RSA, normalRSA},
}

// ImportedSet returns the attributes, CloudHSM's defaults for a key from
// outside, that a --key-type-class starts with.
func ImportedSet(class string) (*attr.Set, error) {
	c, err := lookupClass(class)
	if err != nil {
		return nil, err
	}
	return attr.NewImported(c.class, c.keyType), nil
}

// Import makes a key object of an unwrapped payload: checked, in the one form
// that is stored, described. The attributes are those of ImportedSet.
func Import(class string, payload *secret.Bytes) (*attr.Set, *secret.Bytes, error) {
	c, err := lookupClass(class)
	if err != nil {
		return nil, nil, err
	}
	material, err := c.normal(payload)
	if err != nil {
		return nil, nil, err
	}
	set := attr.NewImported(c.class, c.keyType)
	if err := Describe(set, material); err != nil {
		return nil, nil, err
	}
	return set, material, nil
}

func lookupClass(name string) (*keyTypeClass, error) {
	var all []string
	for i := range keyTypeClasses {
		if keyTypeClasses[i].name == name {
			return &keyTypeClasses[i], nil
		}
		all = append(all, keyTypeClasses[i].name)
	}
	if name == "des3" {
		return nil, &Error{Kind: ErrUnsupported, Text: "key type class \"des3\" is not supported: this HSM has no triple DES"}
	}
	return nil, unknown("key type class", name, all)
}

// asIs copies: the payload and the key have owners of their own.
func asIs(payload *secret.Bytes) (*secret.Bytes, error) {
	return secret.New(slices.Clone(payload.Reveal())), nil
}

func normalEC(payload *secret.Bytes) (*secret.Bytes, error) {
	key, err := privateAs[*ecdsa.PrivateKey](payload)
	if e := (*Error)(nil); errors.As(err, &e) {
		e.Hint = wantPKCS8 + ", on one of " + strings.Join(attr.Curves(), ", ")
	}
	if err != nil {
		return nil, err
	}
	return encodePrivate(key)
}

func normalRSA(payload *secret.Bytes) (*secret.Bytes, error) {
	key, err := privateAs[*rsa.PrivateKey](payload)
	if err != nil {
		return nil, err
	}
	bits := key.N.BitLen()
	switch {
	case bits < minModulus || bits > maxModulus:
		return nil, &Error{Kind: ErrUnsupported, Text: fmt.Sprintf("unsupported RSA key of %d bits: it is %d to %d", bits, minModulus, maxModulus)}
	case key.E < rsaExponent:
		return nil, &Error{Kind: ErrUnsupported, Text: fmt.Sprintf("unsupported public exponent %d: it is at least %d", key.E, rsaExponent)}
	case len(key.Primes) != 2:
		return nil, &Error{Kind: ErrUnsupported, Text: "unsupported RSA key: it has more than two primes"}
	}
	return encodePrivate(key)
}

// encodePrivate writes a key again, so that equal keys are equal bytes and
// attributes that came with the payload are left behind.
func encodePrivate(key crypto.Signer) (*secret.Bytes, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("failed to encode a private key: %w", err)
	}
	return secret.New(der), nil
}
