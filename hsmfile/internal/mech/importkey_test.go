package mech

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/fips140"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"strings"
	"testing"

	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/secret"
)

func pkcs8(t *testing.T, key any) *secret.Bytes {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return secret.New(der)
}

// What goes out under a wrapping key comes back the same.
func TestWrappedKeysComeBack(t *testing.T) {
	kek, _ := GenerateAES(32)
	aes, _ := GenerateAES(24)
	generic, _ := GenerateSecret(33)
	for class, material := range map[string]*secret.Bytes{
		"aes": aes, "generic-secret": generic, "ec-private": newEC(t, "secp521r1").Private, "rsa-private": newRSA(t).Private,
	} {
		wrapped, err := Wrap("aes-zero-pad", kek, material)
		if err != nil {
			t.Fatal(err)
		}
		payload, err := Unwrap("aes-zero-pad", kek, wrapped)
		if err != nil {
			t.Fatal(err)
		}
		set, again, err := Import(class, payload)
		if err != nil || !bytes.Equal(again.Reveal(), material.Reveal()) {
			t.Fatalf("%s: %v", class, err)
		}
		if set.Is(attr.Local) || set.Is(attr.AlwaysSensitive) || set.Is(attr.NeverExtractable) || set.KeyLengthBytes == 0 {
			t.Errorf("%s: %+v", class, set)
		}
	}
}

// A payload that somebody else encoded is stored in our form.
func TestImportNormalises(t *testing.T) {
	pair := newEC(t, "secp256r1")
	var outer struct {
		Version   int
		Algorithm asn1.RawValue
		Key       []byte
		Extra     asn1.RawValue `asn1:"optional,tag:0"`
	}
	if _, err := asn1.Unmarshal(pair.Private.Reveal(), &outer); err != nil {
		t.Fatal(err)
	}
	outer.Extra = asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: []byte{0x30, 0}}
	der, err := asn1.Marshal(outer)
	if err != nil {
		t.Fatal(err)
	}
	_, material, err := Import("ec-private", secret.New(der))
	if err != nil || !bytes.Equal(material.Reveal(), pair.Private.Reveal()) {
		t.Errorf("%v", err)
	}
}

func TestImportRefuses(t *testing.T) {
	var small *rsa.PrivateKey
	var montgomery *ecdh.PrivateKey
	fips140.WithoutEnforcement(func() {
		small, _ = rsa.GenerateKey(rand.Reader, 1024)
		montgomery, _ = ecdh.X25519().GenerateKey(rand.Reader)
	})
	_, edwards, _ := ed25519.GenerateKey(rand.Reader)
	ec, rsaKey := newEC(t, "secp256r1"), newRSA(t)
	long := secret.New(append(bytes.Clone(ec.Private.Reveal()), 0))
	koblitz := bytes.Replace(ec.Private.Reveal(), []byte{0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07},
		[]byte{0x06, 0x08, 0x2b, 0x81, 0x04, 0x00, 0x0a, 0x00, 0x00, 0x00}, 1)
	for _, c := range []struct {
		name, class string
		payload     *secret.Bytes
		kind        error
		text        string
	}{
		{"AES of 17", "aes", secret.New(make([]byte, 17)), ErrBadInput, "17 bytes, not 16, 24 or 32"},
		{"empty", "generic-secret", secret.New(nil), ErrBadInput, "0 bytes"},
		{"801", "generic-secret", secret.New(make([]byte, 801)), ErrBadInput, "801 bytes"},
		{"not DER", "ec-private", secret.New([]byte("key")), ErrBadInput, "not DER"},
		{"RSA as EC", "ec-private", rsaKey.Private, ErrBadInput, "this is an RSA key"},
		{"EC as RSA", "rsa-private", ec.Private, ErrBadInput, "this is an EC key"},
		{"public key", "ec-private", ec.Public, ErrBadInput, "malformed private key"},
		{"trailing byte", "ec-private", long, ErrBadInput, "1 bytes follow"},
		{"unknown curve", "ec-private", secret.New(koblitz), ErrBadInput, "malformed private key"},
		{"RSA 1024", "rsa-private", pkcs8(t, small), ErrUnsupported, "1024 bits"},
		{"Ed25519", "ec-private", pkcs8(t, edwards), ErrBadInput, "neither"},
		{"X25519", "ec-private", pkcs8(t, montgomery), ErrUnsupported, "neither"},
		{"des3", "des3", secret.New(make([]byte, 24)), ErrUnsupported, "not supported"},
		{"misspelt", "ec-privat", ec.Private, ErrUnsupported, `"ec-privat"`},
	} {
		_, _, err := Import(c.class, c.payload)
		if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// Whatever a wrapping key's holder puts into a payload is a key or an error.
func FuzzImport(f *testing.F) {
	pair, err := GenerateEC("secp256r1")
	if err != nil {
		f.Fatal(err)
	}
	f.Add("ec-private", pair.Private.Reveal())
	f.Add("aes", make([]byte, 16))
	f.Fuzz(func(t *testing.T, class string, payload []byte) {
		set, material, err := Import(class, hidden(payload))
		if err != nil {
			if !errors.As(err, new(*Error)) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		_, again, err := Import(class, material)
		if err != nil || !bytes.Equal(again.Reveal(), material.Reveal()) {
			t.Fatalf("what is stored is not stable: %v", err)
		}
		if _, err := set.Encode(); err != nil {
			t.Fatal(err)
		}
	})
}
