package mech

import (
	"crypto/aes"
	"crypto/ecdsa"
	"crypto/fips140"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"fmt"

	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/secret"
)

const checkValueLength = 3

// Describe fills in what follows from the key itself: lengths, modulus or
// point, curve, check value. It refuses material that is not of the class and
// key type that set says.
func Describe(set *attr.Set, material *secret.Bytes) error {
	switch set.Class {
	case attr.SecretKey:
		return describeSecret(set, material)
	case attr.PrivateKey:
		signer, err := parsePrivate(material)
		if err != nil {
			return err
		}
		if err := describePublic(set, signer.Public()); err != nil {
			return err
		}
		set.KeyLengthBytes = material.Len()
		return nil
	}
	public, err := parsePublic(material)
	if err != nil {
		return err
	}
	return describePublic(set, public)
}

func describeSecret(set *attr.Set, material *secret.Bytes) error {
	n := material.Len()
	if set.KeyType == attr.AES {
		check, err := checkValueAES(material)
		if err != nil {
			return err
		}
		set.CheckValue = check
	} else if n < 1 || n > maxSecret {
		return &Error{Kind: ErrBadInput, Text: fmt.Sprintf("invalid generic secret: %d bytes, not 1 to %d", n, maxSecret)}
	}
	set.KeyLengthBytes = n
	return nil
}

// describePublic also serves private keys: CloudHSM shows the public values
// on both halves. The length is the one CloudHSM shows for a public key: the
// point alone, and for RSA modulus and exponent at the same width.
func describePublic(set *attr.Set, public any) error {
	var keyType attr.KeyType
	switch key := public.(type) {
	case *rsa.PublicKey:
		keyType = attr.RSA
		set.Modulus, set.ModulusSizeBits, set.PublicExponent = key.N.Bytes(), key.N.BitLen(), key.E
		set.KeyLengthBytes = 2 * key.Size()
	case *ecdsa.PublicKey:
		keyType = attr.EC
		if err := describePoint(set, key); err != nil {
			return err
		}
	}
	if keyType != set.KeyType {
		return &Error{Kind: ErrBadInput, Text: fmt.Sprintf("wrong type of key: this is %s, not %s", word(public), set.Describe())}
	}
	return describeCheckValue(set, public)
}

func describePoint(set *attr.Set, key *ecdsa.PublicKey) error {
	point, err := key.Bytes()
	if err != nil {
		return &Error{Kind: ErrBadInput, Text: fmt.Sprintf("invalid EC public key: %v", err)}
	}
	for _, name := range attr.Curves() {
		if curveOf(name) == key.Curve {
			set.Curve = name
		}
	}
	set.ECPoint, set.KeyLengthBytes = point, len(point)
	return nil
}

func describeCheckValue(set *attr.Set, public any) error {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return fmt.Errorf("failed to encode a public key: %w", err)
	}
	// SHA-1 is a name here, not a protection: CloudHSM's check value is
	// defined by it. It is outside the approved algorithms, and run so.
	fips140.WithoutEnforcement(func() {
		sum := sha1.Sum(der)
		set.CheckValue = sum[:checkValueLength]
	})
	return nil
}

func checkValueAES(material *secret.Bytes) ([]byte, error) {
	block, err := newAES(material)
	if err != nil {
		return nil, err
	}
	var zero, out [aes.BlockSize]byte
	block.Encrypt(out[:], zero[:])
	return out[:checkValueLength], nil
}
