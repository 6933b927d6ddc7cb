package seal

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"filehsm/hsmfile/secret"
)

var here = Place{Image: make([]byte, 16), Mode: 1, Kind: "kind", ID: "id", Version: 7}

// elsewhere is every place that differs from here in one thing.
var elsewhere = map[string]Place{
	"image":   {Image: bytes.Repeat([]byte{1}, 16), Mode: 1, Kind: "kind", ID: "id", Version: 7},
	"mode":    {Image: make([]byte, 16), Mode: 2, Kind: "kind", ID: "id", Version: 7},
	"kind":    {Image: make([]byte, 16), Mode: 1, Kind: "kinds", ID: "id", Version: 7},
	"id":      {Image: make([]byte, 16), Mode: 1, Kind: "kind", ID: "ie", Version: 7},
	"version": {Image: make([]byte, 16), Mode: 1, Kind: "kind", ID: "id", Version: 8},
	"border":  {Image: make([]byte, 16), Mode: 1, Kind: "kindi", ID: "d", Version: 7},
}

// TestPlace: sealed bytes open where they were sealed, with their key, as they
// were; nothing else does.
func TestPlace(t *testing.T) {
	key, plain := NewKey(), []byte("plain")
	sealed, err := Seal(key, here, plain)
	if err != nil {
		t.Fatal(err)
	}
	if len(sealed) != 12+len(plain)+16 {
		t.Errorf("sealed is %d bytes, want %d", len(sealed), 12+len(plain)+16)
	}
	if got, err := Open(key, here, sealed); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("got %q, %v", got, err)
	}
	for what, at := range elsewhere {
		if _, err := Open(key, at, sealed); !errors.Is(err, ErrOpen) {
			t.Errorf("another %s: got %v, want ErrOpen", what, err)
		}
	}
	if _, err := Open(NewKey(), here, sealed); !errors.Is(err, ErrOpen) {
		t.Errorf("another key: got %v, want ErrOpen", err)
	}
	for i := range sealed {
		b := bytes.Clone(sealed)
		b[i] ^= 1
		if _, err := Open(key, here, b); !errors.Is(err, ErrOpen) {
			t.Errorf("byte %d flipped: got %v, want ErrOpen", i, err)
		}
	}
	for n := range sealed {
		if _, err := Open(key, here, sealed[:n]); !errors.Is(err, ErrOpen) {
			t.Errorf("cut at %d: got %v, want ErrOpen", n, err)
		}
	}
	if _, err := Seal(secret.New(make([]byte, 16)), here, plain); err == nil {
		t.Error("a key of 128 bits is taken")
	}
}

// TestBox: the same for what is sealed to a public key.
func TestBox(t *testing.T) {
	alice, bob := user(t), user(t)
	public, err := alice.BoxKey()
	if err != nil {
		t.Fatal(err)
	}
	box, err := SealTo(KEM(), public, here, []byte("plain"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := alice.OpenBox(here, box); err != nil || string(got) != "plain" {
		t.Errorf("got %q, %v", got, err)
	}
	for what, at := range elsewhere {
		if _, err := alice.OpenBox(at, box); !errors.Is(err, ErrOpen) {
			t.Errorf("another %s: got %v, want ErrOpen", what, err)
		}
	}
	if _, err := bob.OpenBox(here, box); !errors.Is(err, ErrOpen) {
		t.Errorf("another user: got %v, want ErrOpen", err)
	}
	short := box
	short.Enc = box.Enc[:5]
	if _, err := alice.OpenBox(here, short); !errors.Is(err, ErrOpen) {
		t.Errorf("a short encapsulation: got %v, want ErrOpen", err)
	}
	strange := box
	strange.KEM++
	if _, err := alice.OpenBox(here, strange); err == nil {
		t.Error("an unknown KEM is taken")
	}
	for _, bad := range [][]byte{nil, public[:10], make([]byte, len(public)+1)} {
		if _, err := SealTo(KEM(), bad, here, nil); err == nil {
			t.Errorf("a public key of %d bytes is taken", len(bad))
		}
	}
}

func user(t *testing.T) *UserKeys {
	t.Helper()
	k, err := KeysOf(NewUserSecret())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestSignatureDomains: a signature in one domain is none in another, and no
// choice of domain and message runs into another's.
func TestSignatureDomains(t *testing.T) {
	k := user(t)
	sig := k.Sign("roster", []byte("x"))
	if !VerifySignature(k.Verifier(), "roster", []byte("x"), sig) {
		t.Error("a right signature does not verify")
	}
	for _, tc := range [][2]string{{"login", "x"}, {"roster", "y"}, {"rosterx", ""}, {"roste", "rx"}} {
		if VerifySignature(k.Verifier(), tc[0], []byte(tc[1]), sig) {
			t.Errorf("it verifies as %q", tc)
		}
	}
	for _, bad := range [][]byte{nil, make([]byte, 31), make([]byte, 33)} {
		if VerifySignature(bad, "roster", []byte("x"), sig) || VerifySignature(k.Verifier(), "roster", []byte("x"), bad) {
			t.Error("sizes are not checked")
		}
	}
}

// TestDerivedApart: the keys under one secret are those of their labels, the
// same each time, and all different.
func TestDerivedApart(t *testing.T) {
	us := bytes.Repeat([]byte{7}, KeySize)
	keys := func() *UserKeys {
		k, err := KeysOf(secret.New(bytes.Clone(us)))
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	a, b := keys(), keys()
	if !bytes.Equal(a.Sealing().Reveal(), b.Sealing().Reveal()) || !bytes.Equal(a.Verifier(), b.Verifier()) {
		t.Error("the same secret gives other keys")
	}
	boxA, errA := a.BoxKey()
	boxB, errB := b.BoxKey()
	if errA != nil || errB != nil || !bytes.Equal(boxA, boxB) {
		t.Error("the same secret gives another HPKE key")
	}
	want, err := hkdf.Key(sha256.New, us, nil, "filehsm/v1/sealing", 32)
	if err != nil || !bytes.Equal(a.Sealing().Reveal(), want) {
		t.Error("the sealing key is not HKDF-SHA-256 of its label")
	}
	if bytes.Equal(a.Sealing().Reveal(), a.Index().Reveal()) {
		t.Error("two labels give one key")
	}
	if bytes.Equal(BlindIndex(a.Index(), "x"), BlindIndex(a.Index(), "y")) || !bytes.Equal(BlindIndex(a.Index(), "x"), BlindIndex(b.Index(), "x")) {
		t.Error("the blind index does not tell values apart, or is not repeatable")
	}
	if _, err := KeysOf(secret.New(make([]byte, 31))); err == nil {
		t.Error("a secret of 31 bytes is taken")
	}
}

// TestKDF: what a new password costs is design §4's figure, and the salt
// matters. (The algorithm's vectors are x/crypto's; ours have another salt size.)
func TestKDF(t *testing.T) {
	k := NewKDF()
	if k.Algorithm != Argon2id || k.Memory != 64*1024 || k.Time != 3 || k.Threads != 4 || len(k.Salt) != 16 {
		t.Errorf("a new password costs %+v", k)
	}
	k.Memory, k.Time, k.Threads = 64, 1, 1
	other := k
	other.Salt = NewKDF().Salt
	a, err1 := k.Derive(secret.New([]byte("password")))
	b, err2 := other.Derive(secret.New([]byte("password")))
	if err1 != nil || err2 != nil || a.Len() != KeySize || bytes.Equal(a.Reveal(), b.Reveal()) {
		t.Errorf("the salt does nothing, or %v, %v", err1, err2)
	}
}

// TestKDFBounds: a forged record can neither stop a machine nor make a
// password cheap to look at with no salt.
func TestKDFBounds(t *testing.T) {
	good := KDF{Algorithm: Argon2id, Memory: 64 * 1024, Time: 3, Threads: 4, Salt: make([]byte, 16)}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for what, change := range map[string]func(*KDF){
		"algorithm": func(k *KDF) { k.Algorithm = 2 }, "no salt": func(k *KDF) { k.Salt = nil },
		"long salt": func(k *KDF) { k.Salt = make([]byte, 17) }, "no time": func(k *KDF) { k.Time = 0 },
		"much time": func(k *KDF) { k.Time = 17 }, "no threads": func(k *KDF) { k.Threads = 0 },
		"many threads": func(k *KDF) { k.Threads = 65 }, "no memory": func(k *KDF) { k.Memory = 31 },
		"all memory": func(k *KDF) { k.Memory = 1<<20 + 1 },
	} {
		k := good
		change(&k)
		began := time.Now()
		if _, err := k.Derive(secret.New([]byte("x"))); !errors.Is(err, ErrKDF) || time.Since(began) > time.Second {
			t.Errorf("%s: got %v after %s, want ErrKDF at once", what, err, time.Since(began))
		}
	}
}
