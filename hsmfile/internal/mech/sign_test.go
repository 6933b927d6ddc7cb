package mech

import (
	"bytes"
	"crypto/ecdsa"
	"encoding/asn1"
	"errors"
	"math/big"
	"testing"

	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/secret"
)

func digest(t *testing.T, hashName, message string) []byte {
	t.Helper()
	h, err := NewHash(hashName)
	if err != nil {
		t.Fatal(err)
	}
	h.Write([]byte(message))
	return h.Sum(nil)
}

func newEC(t *testing.T, curve string) Pair {
	t.Helper()
	pair, err := GenerateEC(curve)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func newRSA(t *testing.T) Pair {
	t.Helper()
	pair, err := GenerateRSA(2048, 65537)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func TestSignVerify(t *testing.T) {
	type key struct {
		mechanism string
		pair      Pair
		size      int
	}
	keys := []key{{"rsa-pkcs", newRSA(t), 256}}
	for curve, size := range map[string]int{"secp224r1": 56, "secp256r1": 64, "secp384r1": 96, "secp521r1": 132} {
		keys = append(keys, key{"ecdsa", newEC(t, curve), size})
	}
	for _, k := range keys {
		for _, h := range Hashes() {
			signature, err := Sign(k.mechanism, h, k.pair.Private, digest(t, h, "m"))
			if err != nil || len(signature) != k.size {
				t.Fatalf("%s %s: %d bytes, %v", k.mechanism, h, len(signature), err)
			}
			if err := Verify(k.mechanism, h, k.pair.Public, digest(t, h, "m"), signature); err != nil {
				t.Errorf("%s %s: %v", k.mechanism, h, err)
			}
			if err := Verify(k.mechanism, h, k.pair.Public, digest(t, h, "n"), signature); !errors.Is(err, ErrVerify) {
				t.Errorf("%s %s over another message: %v", k.mechanism, h, err)
			}
		}
	}
}

// A signature is accepted in one form only: what other programs are known to
// let pass is refused.
func TestECDSARefusesOddSignatures(t *testing.T) {
	pair := newEC(t, "secp256r1")
	sum := digest(t, "sha256", "m")
	good, err := Sign("ecdsa", "sha256", pair.Private, sum)
	if err != nil {
		t.Fatal(err)
	}
	key, _ := publicAs[*ecdsa.PublicKey](pair.Public)
	order := key.Params().N
	zero, r, s := make([]byte, 32), good[:32], good[32:]
	der, _ := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(r), new(big.Int).SetBytes(s)})
	plusOrder := new(big.Int).Add(order, new(big.Int).SetBytes(s)).Bytes()
	for name, bad := range map[string][]byte{
		"empty":         nil,
		"zero r":        append(bytes.Clone(zero), s...),
		"zero s":        append(bytes.Clone(r), zero...),
		"both zero":     make([]byte, 64),
		"r is order":    append(order.Bytes(), s...),
		"s is order":    append(bytes.Clone(r), order.Bytes()...),
		"s plus order":  append(bytes.Clone(r), plusOrder...),
		"swapped":       append(bytes.Clone(s), r...),
		"cut":           good[:63],
		"a byte more":   append(bytes.Clone(good), 0),
		"leading zeros": append([]byte{0, 0}, good...),
		"DER":           der,
	} {
		if err := Verify("ecdsa", "sha256", pair.Public, sum, bad); !errors.Is(err, ErrVerify) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRSARefusesOddSignatures(t *testing.T) {
	pair := newRSA(t)
	sum := digest(t, "sha256", "m")
	good, err := Sign("rsa-pkcs", "sha256", pair.Private, sum)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(good)
	flipped[100] ^= 1
	for name, bad := range map[string][]byte{
		"empty": nil, "zero": make([]byte, 256), "cut": good[:255], "flipped": flipped,
		"a byte before": append([]byte{0}, good...), "a byte after": append(bytes.Clone(good), 0),
		"all ones": bytes.Repeat([]byte{0xff}, 256),
	} {
		if err := Verify("rsa-pkcs", "sha256", pair.Public, sum, bad); !errors.Is(err, ErrVerify) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The hash function is part of what is signed.
	if err := Verify("rsa-pkcs", "sha224", pair.Public, sum[:28], good); !errors.Is(err, ErrVerify) {
		t.Errorf("another hash function: %v", err)
	}
}

func TestSignRefuses(t *testing.T) {
	ec, sum := newEC(t, "secp256r1"), digest(t, "sha256", "m")
	for _, c := range []struct {
		name, mechanism, hash string
		key                   *secret.Bytes
		digest                []byte
		kind                  error
	}{
		{"wrong length", "ecdsa", "sha384", ec.Private, sum, ErrBadInput},
		{"raw data", "ecdsa", "sha256", ec.Private, []byte("m"), ErrBadInput},
		{"another key type", "rsa-pkcs", "sha256", ec.Private, sum, ErrBadInput},
		{"public key", "ecdsa", "sha256", ec.Public, sum, ErrBadInput},
		{"no such hash", "ecdsa", "md5", ec.Private, sum, ErrUnsupported},
		{"no such mechanism", "ed25519", "sha256", ec.Private, sum, ErrUnsupported},
		{"a wrapping mechanism", "aes-no-pad", "sha256", ec.Private, sum, ErrUnsupported},
	} {
		if _, err := Sign(c.mechanism, c.hash, c.key, c.digest); !errors.Is(err, c.kind) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if err := Verify("rsa-pkcs", "sha256", ec.Public, sum, sum); !errors.Is(err, ErrBadInput) {
		t.Errorf("verify with another key type: %v", err)
	}
}

func TestDefaultHash(t *testing.T) {
	for curve, want := range map[string]string{"": "sha256", "secp224r1": "sha256", "secp256r1": "sha256",
		"secp384r1": "sha384", "secp521r1": "sha512"} {
		if got := DefaultHash(&attr.Set{Curve: curve}); got != want {
			t.Errorf("%q: %s", curve, got)
		}
	}
	for _, curve := range attr.Curves() {
		if defaultHash[curve] == "" || curveOf(curve) == nil {
			t.Errorf("%s is not in every table", curve)
		}
	}
}

func TestMechanismTable(t *testing.T) {
	priv := attr.New(attr.PrivateKey, attr.EC)
	m, err := Lookup("ecdsa", attr.Sign)
	if err != nil || !m.Takes(attr.Sign, priv) || m.Takes(attr.Verify, priv) || m.Takes(attr.Wrap, priv) {
		t.Errorf("%+v, %v", m, err)
	}
	for _, m := range mechanisms {
		for use := range m.Needs {
			if _, err := Lookup(m.Name, use); err != nil {
				t.Error(err)
			}
		}
		if (m.sign == nil) != (m.verify == nil) || (m.wrap == nil) != (m.unwrap == nil) {
			t.Errorf("%s does half of what it says", m.Name)
		}
	}
	_, err = Lookup("rsa-pkc", attr.Sign)
	var e *Error
	if !errors.As(err, &e) || e.Hint != `did you mean "rsa-pkcs"? available: ecdsa, rsa-pkcs` {
		t.Errorf("%#v", err)
	}
}
