package mech

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"math/big"

	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/secret"
)

type (
	signFunc   func(private *secret.Bytes, h crypto.Hash, digest []byte) ([]byte, error)
	verifyFunc func(public *secret.Bytes, h crypto.Hash, digest, signature []byte) error
)

// Sign signs a digest made with the named hash function (NewHash).
func Sign(mechanism, hashName string, private *secret.Bytes, digest []byte) ([]byte, error) {
	m, err := Lookup(mechanism, attr.Sign)
	if err != nil {
		return nil, err
	}
	h, err := checkDigest(hashName, digest)
	if err != nil {
		return nil, err
	}
	return m.sign(private, h, digest)
}

// Verify returns ErrVerify if the signature is not one of this key over this
// digest.
func Verify(mechanism, hashName string, public *secret.Bytes, digest, signature []byte) error {
	m, err := Lookup(mechanism, attr.Verify)
	if err != nil {
		return err
	}
	h, err := checkDigest(hashName, digest)
	if err != nil {
		return err
	}
	return m.verify(public, h, digest, signature)
}

func checkDigest(hashName string, digest []byte) (crypto.Hash, error) {
	h, err := lookupHash(hashName)
	if err != nil {
		return 0, err
	}
	if len(digest) != h.Size() {
		return 0, &Error{
			Kind: ErrBadInput,
			Text: fmt.Sprintf("invalid digest: %d bytes, %s makes %d", len(digest), hashName, h.Size()),
			Hint: "for data that is not hashed yet leave out --data-type digest",
		}
	}
	return h, nil
}

// signECDSA writes r and s as CloudHSM does, each at the width of the curve's
// order, not as DER.
func signECDSA(private *secret.Bytes, _ crypto.Hash, digest []byte) ([]byte, error) {
	key, err := privateAs[*ecdsa.PrivateKey](private)
	if err != nil {
		return nil, err
	}
	r, s, err := ecdsa.Sign(rand.Reader, key, digest)
	if err != nil {
		return nil, fmt.Errorf("failed to sign: %w", err)
	}
	width := orderBytes(&key.PublicKey)
	signature := make([]byte, 2*width)
	r.FillBytes(signature[:width])
	s.FillBytes(signature[width:])
	return signature, nil
}

func verifyECDSA(public *secret.Bytes, _ crypto.Hash, digest, signature []byte) error {
	key, err := publicAs[*ecdsa.PublicKey](public)
	if err != nil {
		return err
	}
	width := orderBytes(key)
	if len(signature) != 2*width {
		return ErrVerify
	}
	r := new(big.Int).SetBytes(signature[:width])
	s := new(big.Int).SetBytes(signature[width:])
	if !ecdsa.Verify(key, digest, r, s) {
		return ErrVerify
	}
	return nil
}

func orderBytes(key *ecdsa.PublicKey) int { return (key.Params().N.BitLen() + 7) / 8 }

func signRSAPKCS(private *secret.Bytes, h crypto.Hash, digest []byte) ([]byte, error) {
	key, err := privateAs[*rsa.PrivateKey](private)
	if err != nil {
		return nil, err
	}
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, h, digest)
	if err != nil {
		return nil, fmt.Errorf("failed to sign: %w", err)
	}
	return signature, nil
}

func verifyRSAPKCS(public *secret.Bytes, h crypto.Hash, digest, signature []byte) error {
	key, err := publicAs[*rsa.PublicKey](public)
	if err != nil {
		return err
	}
	if rsa.VerifyPKCS1v15(key, h, digest, signature) != nil {
		return ErrVerify
	}
	return nil
}
