package mech

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"strings"

	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/secret"
)

// Bounds of CloudHSM's key types.
const (
	maxSecret   = 800
	minModulus  = 2048
	maxModulus  = 4096
	stepModulus = 256

	// rsaExponent is the only one that Go's key generation makes; nobody has a
	// reason to want another.
	rsaExponent = 65537
)

// Pair is the two halves of a new key pair.
type Pair struct {
	Public  *secret.Bytes
	Private *secret.Bytes
}

// curveOf maps the names in attr onto the curves of the standard library; nil
// for any other name. It is no table, for naming one of those curves computes
// all their constants, and few commands need any.
func curveOf(name string) elliptic.Curve {
	switch name {
	case "secp224r1":
		return elliptic.P224()
	case "secp256r1":
		return elliptic.P256()
	case "secp384r1":
		return elliptic.P384()
	case "secp521r1":
		return elliptic.P521()
	}
	return nil
}

// GenerateAES makes an AES key of 16, 24 or 32 bytes.
func GenerateAES(length int) (*secret.Bytes, error) {
	if !aesLength(length) {
		return nil, &Error{Kind: ErrUnsupported, Text: fmt.Sprintf("invalid AES key length %d: it is 16, 24 or 32 bytes", length)}
	}
	return random(length), nil
}

func aesLength(n int) bool { return n == 16 || n == 24 || n == 32 }

// GenerateSecret makes a generic secret of 1 to 800 bytes.
func GenerateSecret(length int) (*secret.Bytes, error) {
	if length < 1 || length > maxSecret {
		return nil, &Error{Kind: ErrUnsupported, Text: fmt.Sprintf("invalid generic secret length %d: it is 1 to %d bytes", length, maxSecret)}
	}
	return random(length), nil
}

// random cannot fail: crypto/rand ends the process rather than return
// anything but random bytes.
func random(n int) *secret.Bytes {
	b := make([]byte, n)
	rand.Read(b)
	return secret.New(b)
}

// GenerateRSA makes an RSA pair.
func GenerateRSA(modulusBits, exponent int) (Pair, error) {
	if exponent != rsaExponent {
		return Pair{}, &Error{Kind: ErrUnsupported, Text: fmt.Sprintf("unsupported public exponent %d: only %d is supported", exponent, rsaExponent)}
	}
	if !modulusSize(modulusBits) {
		return Pair{}, &Error{
			Kind: ErrUnsupported,
			Text: fmt.Sprintf("invalid modulus size %d: it is %d to %d bits in steps of %d", modulusBits, minModulus, maxModulus, stepModulus),
		}
	}
	key, err := rsa.GenerateKey(rand.Reader, modulusBits)
	if err != nil {
		return Pair{}, fmt.Errorf("failed to generate an RSA key: %w", err)
	}
	return encodePair(key, &key.PublicKey)
}

func modulusSize(bits int) bool {
	return bits >= minModulus && bits <= maxModulus && bits%stepModulus == 0
}

// GenerateEC makes an elliptic curve pair; prime256v1 is secp256r1.
func GenerateEC(curve string) (Pair, error) {
	name, err := attr.ParseCurve(curve)
	if err != nil {
		return Pair{}, &Error{
			Kind: ErrUnsupported,
			Text: fmt.Sprintf("unknown curve %q", curve),
			Hint: "curves available: " + strings.Join(attr.Curves(), ", "),
		}
	}
	key, err := ecdsa.GenerateKey(curveOf(name), rand.Reader)
	if err != nil {
		return Pair{}, fmt.Errorf("failed to generate an EC key: %w", err)
	}
	return encodePair(key, &key.PublicKey)
}

func encodePair(private, public any) (Pair, error) {
	priv, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return Pair{}, fmt.Errorf("failed to encode a private key: %w", err)
	}
	pub, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return Pair{}, fmt.Errorf("failed to encode a public key: %w", err)
	}
	return Pair{Public: secret.New(pub), Private: secret.New(priv)}, nil
}
