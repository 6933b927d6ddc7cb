package mech

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"math/big"
	"testing"

	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/secret"
)

// Public keys and check values that AWS's manual prints for CloudHSM CLI, on
// the pages of key generate-asymmetric-pair rsa and ec.
const (
	awsModulus1 = "dfca0669dc8288ed3bad99509bd21c7e6192661407021b3f4cdf4a593d939dd24f4d641af8e4e73b04c847731c6dbdff3385818e08dd6efcbedd6e5b130344968ce89a065e7d1a46ced96b46b909db2ab6be871ee700fd0a448b6e975bb64cae77c49008749212463e37a577baa57ce3e574cb057e9db131e119badf50c938f26e8a5975c61a8ba7ffe7a1115abcebb7d20bd6df1948ae336ae23b52d73b7f3b6acc2543edb6358e08d326d280ce489571f4d34e316a2ea1904d513ca12fa04075fc09ad005c81b7345d7804ff24c45117f0a1020dca7794df037a10aadec8653473b2088711f7b7d8b58431654e14e31af0e00511da641058fb7475ffdbe60f"
	awsModulus2 = "b1d27e857a876f4e9fd5de748a763c539b359f937eb4b4260e30d1435485a732c878cdad9c72538e2215351b1d41358c9bf80b599c73a80fdb457aa7b20cd61e486c326e2cfd5e124a7f6a996437437812b542e3caf85928aa866f0298580f7967ee6aa01440297d7308fdd9b76b70d1b67f12634df6e6296d6c116d5744c6d60d14d3bf3cb978fe6b75ac67b7089bafd50d8687213b31abc7dc1bad422780d29c851d5102b56f932551eaf52a9591fd8c43d81ecc133022653225bd129f8491101725e9ea33e1ded83fb57af35f847e532eb30cd7e726f23910d2671c6364092e834697ec3cef72cc23615a1ba7c5e100156ae0acac3160f0ca9725d38318b7"
	awsPoint    = "047096513df542250a6b228fd9cb67fd0c903abc93488467681974d6f371083fce1d79da8ad1e9ede745fb9f38ac8622a1b3ebe9270556000c"
)

func publicMaterial(t *testing.T, key any) *secret.Bytes {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return secret.New(der)
}

func wantValues(t *testing.T, set *attr.Set, want map[attr.Name]string) {
	t.Helper()
	for name, value := range want {
		if got, _ := set.Value(name); got != value {
			t.Errorf("%s: %s is %q, not %q", set.Describe(), name, got, value)
		}
	}
}

func TestCloudHSMsCheckValues(t *testing.T) {
	for modulus, check := range map[string]string{awsModulus1: "0x498e1f", awsModulus2: "0x01fe6e"} {
		key := &rsa.PublicKey{N: new(big.Int).SetBytes(unhex(t, modulus)), E: 65537}
		set := attr.New(attr.PublicKey, attr.RSA)
		if err := Describe(set, publicMaterial(t, key)); err != nil {
			t.Fatal(err)
		}
		wantValues(t, set, map[attr.Name]string{attr.CheckValue: check, attr.Modulus: "0x" + modulus,
			attr.PublicExponent: "0x010001", attr.ModulusSizeBits: "2048", attr.KeyLengthBytes: "512"})
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P224(), unhex(t, awsPoint))
	if err != nil {
		t.Fatal(err)
	}
	set := attr.New(attr.PublicKey, attr.EC)
	if err := Describe(set, publicMaterial(t, key)); err != nil {
		t.Fatal(err)
	}
	wantValues(t, set, map[attr.Name]string{attr.CheckValue: "0xd7c1a7", attr.ECPoint: "0x" + awsPoint,
		attr.NameCurve: "secp224r1", attr.KeyLengthBytes: "57"})
}

func TestAESCheckValue(t *testing.T) {
	set := attr.New(attr.SecretKey, attr.AES)
	if err := Describe(set, secret.New(make([]byte, 16))); err != nil {
		t.Fatal(err)
	}
	// AES-128 of zero under zero is 66e94bd4ef8a…, the H of GCM's first vectors.
	wantValues(t, set, map[attr.Name]string{attr.CheckValue: "0x66e94b", attr.KeyLengthBytes: "16"})
}

func TestGenerateSecrets(t *testing.T) {
	for _, n := range []int{16, 24, 32} {
		set := attr.New(attr.SecretKey, attr.AES)
		key, err := GenerateAES(n)
		if err != nil || key.Len() != n || Describe(set, key) != nil || len(set.CheckValue) != 3 {
			t.Errorf("AES of %d bytes: %v", n, err)
		}
	}
	for _, n := range []int{1, 800} {
		set := attr.New(attr.SecretKey, attr.GenericSecret)
		key, err := GenerateSecret(n)
		if err != nil || key.Len() != n || Describe(set, key) != nil || set.CheckValue != nil || set.KeyLengthBytes != n {
			t.Errorf("secret of %d bytes: %v", n, err)
		}
	}
	one, _ := GenerateAES(32)
	two, _ := GenerateAES(32)
	if hex.EncodeToString(one.Reveal()) == hex.EncodeToString(two.Reveal()) {
		t.Error("two keys are equal")
	}
}

func TestGenerateRefuses(t *testing.T) {
	for name, generate := range map[string]func() error{
		"AES 20":         func() error { _, err := GenerateAES(20); return err },
		"AES 0":          func() error { _, err := GenerateAES(0); return err },
		"secret 0":       func() error { _, err := GenerateSecret(0); return err },
		"secret 801":     func() error { _, err := GenerateSecret(801); return err },
		"RSA 1024":       func() error { _, err := GenerateRSA(1024, 65537); return err },
		"RSA 2050":       func() error { _, err := GenerateRSA(2050, 65537); return err },
		"RSA 8192":       func() error { _, err := GenerateRSA(8192, 65537); return err },
		"RSA exponent 3": func() error { _, err := GenerateRSA(2048, 3); return err },
		"secp256k1":      func() error { _, err := GenerateEC("secp256k1"); return err },
		"ed25519":        func() error { _, err := GenerateEC("ed25519"); return err },
		"no curve":       func() error { _, err := GenerateEC(""); return err },
	} {
		if err := generate(); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// CloudHSM prints 122 and 57 for secp224r1; the rest follow from the encoding.
func TestGenerateEC(t *testing.T) {
	for asked, want := range map[string]struct {
		curve           string
		private, public int
	}{
		"secp224r1":  {"secp224r1", 122, 57},
		"prime256v1": {"secp256r1", 138, 65},
		"secp256r1":  {"secp256r1", 138, 65},
		"secp384r1":  {"secp384r1", 185, 97},
		"secp521r1":  {"secp521r1", 241, 133},
	} {
		pair, err := GenerateEC(asked)
		if err != nil {
			t.Fatal(err)
		}
		pub, priv := describePair(t, attr.EC, pair)
		if pub.Curve != want.curve || pub.KeyLengthBytes != want.public || priv.KeyLengthBytes != want.private {
			t.Errorf("%s: %s, %d, %d", asked, pub.Curve, priv.KeyLengthBytes, pub.KeyLengthBytes)
		}
	}
}

func TestGenerateRSA(t *testing.T) {
	pair, err := GenerateRSA(2304, 65537)
	if err != nil {
		t.Fatal(err)
	}
	pub, priv := describePair(t, attr.RSA, pair)
	if pub.ModulusSizeBits != 2304 || priv.ModulusSizeBits != 2304 || pub.PublicExponent != 65537 {
		t.Errorf("%+v", pub)
	}
}

// describePair also checks that both halves show the same public values and
// can be stored.
func describePair(t *testing.T, keyType attr.KeyType, pair Pair) (pub, priv *attr.Set) {
	t.Helper()
	pub, priv = attr.New(attr.PublicKey, keyType), attr.New(attr.PrivateKey, keyType)
	if err := errors.Join(Describe(pub, pair.Public), Describe(priv, pair.Private)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []attr.Name{attr.CheckValue, attr.ECPoint, attr.NameCurve, attr.Modulus} {
		want, _ := pub.Value(name)
		wantValues(t, priv, map[attr.Name]string{name: want})
	}
	for _, set := range []*attr.Set{pub, priv} {
		if _, err := set.Encode(); err != nil {
			t.Error(err)
		}
	}
	return pub, priv
}

func TestDescribeRefusesWhatIsNotTheKey(t *testing.T) {
	ec, err := GenerateEC("secp256r1")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		set      *attr.Set
		material *secret.Bytes
	}{
		"EC as RSA":         {attr.New(attr.PublicKey, attr.RSA), ec.Public},
		"EC as RSA private": {attr.New(attr.PrivateKey, attr.RSA), ec.Private},
		"public as private": {attr.New(attr.PrivateKey, attr.EC), ec.Public},
		"private as public": {attr.New(attr.PublicKey, attr.EC), ec.Private},
		"AES of 5 bytes":    {attr.New(attr.SecretKey, attr.AES), secret.New([]byte("12345"))},
		"empty secret":      {attr.New(attr.SecretKey, attr.GenericSecret), secret.New(nil)},
	} {
		if err := Describe(c.set, c.material); !errors.Is(err, ErrBadInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
