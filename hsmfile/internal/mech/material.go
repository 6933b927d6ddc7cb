package mech

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"strings"

	"filehsm/hsmfile/secret"
)

const wantPKCS8 = "it must be PKCS #8 in DER, without a password"

// parsePrivate reads PKCS #8 that is one whole DER value: the standard
// library looks past what follows it.
func parsePrivate(material *secret.Bytes) (crypto.Signer, error) {
	der := material.Reveal()
	if err := wholeDER(der); err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		// The cause names forms and curves, never values; what it advises in
		// brackets is for programmers.
		cause, _, _ := strings.Cut(err.Error(), " (use ")
		return nil, &Error{Kind: ErrBadInput, Text: "malformed private key: " + cause, Hint: wantPKCS8}
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, &Error{Kind: ErrUnsupported, Text: "unsupported private key: this is " + word(key)}
	}
	return signer, nil
}

func wholeDER(der []byte) error {
	var v asn1.RawValue
	rest, err := asn1.Unmarshal(der, &v)
	if err != nil {
		return &Error{Kind: ErrBadInput, Text: "malformed private key: not DER", Hint: wantPKCS8}
	}
	if len(rest) != 0 {
		return &Error{Kind: ErrBadInput, Text: fmt.Sprintf("malformed private key: %d bytes follow it", len(rest))}
	}
	return nil
}

func parsePublic(material *secret.Bytes) (any, error) {
	key, err := x509.ParsePKIXPublicKey(material.Reveal())
	if err != nil {
		return nil, &Error{Kind: ErrBadInput, Text: fmt.Sprintf("malformed public key: %v", err)}
	}
	return key, nil
}

// privateAs and publicAs read material as the type a mechanism works on.
func privateAs[K crypto.Signer](material *secret.Bytes) (K, error) {
	var none K
	signer, err := parsePrivate(material)
	if err != nil {
		return none, err
	}
	key, ok := signer.(K)
	if !ok {
		return none, wrongKey(signer)
	}
	return key, nil
}

func publicAs[K *rsa.PublicKey | *ecdsa.PublicKey](material *secret.Bytes) (K, error) {
	parsed, err := parsePublic(material)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(K)
	if !ok {
		return nil, wrongKey(parsed)
	}
	return key, nil
}

func wrongKey(key any) *Error {
	return &Error{Kind: ErrBadInput, Text: "wrong type of key: this is " + word(key)}
}

// word names the type of a parsed key for messages.
func word(key any) string {
	switch key.(type) {
	case *rsa.PrivateKey, *rsa.PublicKey:
		return "an RSA key"
	case *ecdsa.PrivateKey, *ecdsa.PublicKey:
		return "an EC key"
	}
	return "neither an EC nor an RSA key"
}
