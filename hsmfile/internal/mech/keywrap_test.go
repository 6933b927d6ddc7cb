package mech

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"filehsm/hsmfile/secret"
)

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// hidden copies b, so that wiping the secret leaves the test's bytes alone.
func hidden(b []byte) *secret.Bytes { return secret.New(bytes.Clone(b)) }

const (
	kek256 = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	data32 = "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f"
	kekKWP = "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8"
)

// wrapVectors are RFC 3394 §4.1 to §4.6 and RFC 5649 §6.
var wrapVectors = []struct{ name, mechanism, kek, payload, wrapped string }{
	{"3394 4.1", "aes-no-pad", kek256[:32], data32[:32], "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"},
	{"3394 4.2", "aes-no-pad", kek256[:48], data32[:32], "96778b25ae6ca435f92b5b97c050aed2468ab8a17ad84e5d"},
	{"3394 4.3", "aes-no-pad", kek256, data32[:32], "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7"},
	{"3394 4.4", "aes-no-pad", kek256[:48], data32[:48], "031d33264e15d33268f24ec260743edce1c6c7ddee725a936ba814915c6762d2"},
	{"3394 4.5", "aes-no-pad", kek256, data32[:48], "a8f9bc1612c68b3ff6e6f4fbe30e71e4769c8b80a32cb8958cd5d17d6b254da1"},
	{"3394 4.6", "aes-no-pad", kek256, data32, "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21"},
	{"5649 6, 20 octets", "aes-zero-pad", kekKWP, "c37b7e6492584340bed12207808941155068f738", "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a"},
	{"5649 6, 7 octets", "aes-zero-pad", kekKWP, "466f7250617369", "afbeb0f07dfbf5419200f2ccb50bb24f"},
}

func TestWrapVectors(t *testing.T) {
	for _, v := range wrapVectors {
		kek := hidden(unhex(t, v.kek))
		wrapped, err := Wrap(v.mechanism, kek, hidden(unhex(t, v.payload)))
		if err != nil || hex.EncodeToString(wrapped) != v.wrapped {
			t.Errorf("%s: wrapped to %x, %v", v.name, wrapped, err)
		}
		payload, err := Unwrap(v.mechanism, kek, unhex(t, v.wrapped))
		if err != nil || hex.EncodeToString(payload.Reveal()) != v.payload {
			t.Errorf("%s: unwrapped to %x, %v", v.name, payload.Reveal(), err)
		}
	}
}

func TestEveryFlippedBitIsFound(t *testing.T) {
	for _, v := range wrapVectors {
		kek, wrapped := hidden(unhex(t, v.kek)), unhex(t, v.wrapped)
		for bit := range 8 * len(wrapped) {
			bad := bytes.Clone(wrapped)
			bad[bit/8] ^= 1 << (bit % 8)
			if _, err := Unwrap(v.mechanism, kek, bad); !errors.Is(err, ErrUnwrap) {
				t.Fatalf("%s, bit %d: %v", v.name, bit, err)
			}
		}
	}
}

func TestUnwrapRefuses(t *testing.T) {
	kek := hidden(unhex(t, kek256))
	noPad := unhex(t, wrapVectors[2].wrapped)
	for name, c := range map[string]struct {
		mechanism string
		wrapped   []byte
	}{
		"no-pad as zero-pad": {"aes-zero-pad", noPad},
		"nothing":            {"aes-no-pad", nil},
		"nothing, padded":    {"aes-zero-pad", nil},
		"a semiblock short":  {"aes-no-pad", noPad[:16]},
		"cut":                {"aes-no-pad", noPad[:23]},
		"one semiblock":      {"aes-zero-pad", noPad[:8]},
		"one byte more":      {"aes-no-pad", append(bytes.Clone(noPad), 0)},
		"a semiblock more":   {"aes-no-pad", append(bytes.Clone(noPad), make([]byte, 8)...)},
	} {
		if _, err := Unwrap(c.mechanism, kek, c.wrapped); !errors.Is(err, ErrUnwrap) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Unwrap("aes-no-pad", kek, make([]byte, 1<<20)); !errors.Is(err, ErrBadInput) {
		t.Errorf("a megabyte: %v", err)
	}
}

// TestZeroPadIntegrityValue: what a wrong program could wrap, integrity values
// and paddings, is refused although the rounds come out right.
func TestZeroPadIntegrityValue(t *testing.T) {
	block, err := newAES(hidden(unhex(t, kek256)))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"length zero":         "a65959a600000000" + "0000000000000000" + "0000000000000000",
		"a semiblock too few": "a65959a600000008" + "0102030405060708" + "0000000000000000",
		"one too many":        "a65959a600000011" + "0102030405060708" + "0102030405060708",
		"negative":            "a65959a6fffffff0" + "0102030405060708" + "0102030405060708",
		"top bit":             "a65959a680000010" + "0102030405060708" + "0102030405060708",
		"dirty padding":       "a65959a600000009" + "0102030405060708" + "0100000000000001",
		"value of no-pad":     "a6a6a6a6a6a6a6a6" + "0102030405060708" + "0102030405060708",
	} {
		buf := unhex(t, text)
		wrapRounds(block, buf)
		if got, err := unwrapZeroPad(block, buf); !errors.Is(err, ErrUnwrap) {
			t.Errorf("%s: %x, %v", name, got, err)
		}
	}
}

func TestWrapRefuses(t *testing.T) {
	kek := hidden(unhex(t, kek256))
	for _, c := range []struct {
		mechanism string
		payload   int
		hint      string
	}{
		{"aes-no-pad", 0, "use aes-zero-pad"},
		{"aes-no-pad", 8, "use aes-zero-pad"},
		{"aes-no-pad", 20, "use aes-zero-pad"},
		{"aes-zero-pad", 0, ""},
		{"aes-zero-pad", maxPayload + 1, ""},
	} {
		_, err := Wrap(c.mechanism, kek, secret.New(make([]byte, c.payload)))
		var e *Error
		if !errors.As(err, &e) || e.Kind != ErrBadInput || e.Hint != c.hint {
			t.Errorf("%s of %d: %#v", c.mechanism, c.payload, err)
		}
	}
	if _, err := Wrap("aes-zero-pad", secret.New(make([]byte, 20)), kek); !errors.Is(err, ErrBadInput) {
		t.Errorf("a wrapping key of 20 bytes: %v", err)
	}
	if _, err := Wrap("aes-zeropad", kek, kek); !errors.Is(err, ErrUnsupported) {
		t.Errorf("a mechanism that is not there: %v", err)
	}
}

func FuzzWrap(f *testing.F) {
	f.Add(make([]byte, 32), []byte("a key"), false)
	f.Add(make([]byte, 16), make([]byte, 16), true)
	f.Fuzz(func(t *testing.T, kek, data []byte, pad bool) {
		mechanism := map[bool]string{true: "aes-zero-pad", false: "aes-no-pad"}[pad]
		// Bytes from outside: refused or, never in practice, unwrapped.
		if _, err := Unwrap(mechanism, hidden(kek), data); err != nil && !errors.Is(err, ErrUnwrap) && !errors.Is(err, ErrBadInput) {
			t.Fatalf("untyped error %v", err)
		}
		wrapped, err := Wrap(mechanism, hidden(kek), hidden(data))
		if err != nil {
			if !errors.Is(err, ErrBadInput) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		again, err := Unwrap(mechanism, hidden(kek), wrapped)
		if err != nil || !bytes.Equal(again.Reveal(), data) {
			t.Fatalf("%x came back as %x, %v", data, again.Reveal(), err)
		}
	})
}
