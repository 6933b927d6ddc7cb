package mech

import (
	"crypto/cipher"
	"fmt"

	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/secret"
)

type (
	wrapFunc   func(block cipher.Block, payload []byte) ([]byte, error)
	unwrapFunc func(block cipher.Block, wrapped []byte) ([]byte, error)
)

// Wrap encrypts material under a wrapping key. Material is what goes out as
// it is: raw bytes of a secret key, PKCS #8 of a private key.
func Wrap(mechanism string, wrapping, material *secret.Bytes) ([]byte, error) {
	m, err := Lookup(mechanism, attr.Wrap)
	if err != nil {
		return nil, err
	}
	if material.Len() > maxPayload {
		return nil, &Error{Kind: ErrBadInput, Text: fmt.Sprintf("cannot wrap %d bytes: the most is %d", material.Len(), maxPayload)}
	}
	block, err := newAES(wrapping)
	if err != nil {
		return nil, err
	}
	return m.wrap(block, material.Reveal())
}

// Unwrap decrypts what Wrap or another HSM made; Import makes a key of it.
func Unwrap(mechanism string, wrapping *secret.Bytes, wrapped []byte) (*secret.Bytes, error) {
	m, err := Lookup(mechanism, attr.Unwrap)
	if err != nil {
		return nil, err
	}
	if len(wrapped) > maxPayload+2*semiblock {
		return nil, &Error{Kind: ErrBadInput, Text: fmt.Sprintf("wrapped key is %d bytes: longer than any", len(wrapped))}
	}
	block, err := newAES(wrapping)
	if err != nil {
		return nil, err
	}
	payload, err := m.unwrap(block, wrapped)
	if err != nil {
		return nil, err
	}
	return secret.New(payload), nil
}
