package attr

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestEncodeDecode(t *testing.T) {
	for _, s := range append(sets(), example(), NewImported(PublicKey, EC)) {
		data, err := s.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Decode(data)
		if err != nil || !reflect.DeepEqual(s, again) {
			t.Errorf("%s: %v, got %+v", s.Describe(), err, again)
		}
	}
}

// The stored form is pinned: images outlive the program that made them.
func TestEncodingIsPinned(t *testing.T) {
	s := New(SecretKey, AES)
	s.Label, s.CheckValue, s.KeyLengthBytes = "kek", []byte{1, 2, 3}, 32
	const want = "a6016a7365637265742d6b657902636165730319" + "9dec" + "04636b656b0643010203071820"
	data, err := s.Encode()
	if got := hex.EncodeToString(data); err != nil || got != want {
		t.Errorf("got %s, %v\nwant %s", got, err, want)
	}
}

func TestLargestSetFits(t *testing.T) {
	s := New(PrivateKey, RSA)
	s.Label, s.ID, s.Modulus = strings.Repeat("語", MaxLabel), make([]byte, maxID), make([]byte, maxModulus)
	data, err := s.Encode()
	if err != nil || 2*len(data) > MaxEncoded {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":              "",
		"no map":               "80",
		"trailing byte":        "a30165" + "61",
		"unknown field":        "a4016a7365637265742d6b6579026361657303001818" + "00",
		"duplicate key":        "a4016a7365637265742d6b6579026361657303000300",
		"no such key":          "a3016a7365637265742d6b65790262656303" + "00",
		"unknown flag":         "a3016a7365637265742d6b65790263616573031a80000000",
		"longer integer":       "a3016a7365637265742d6b657902636165730318" + "00",
		"keys out of order":    "a302636165730 16a7365637265742d6b65790300",
		"indefinite map":       "bf016a7365637265742d6b657902636165730300ff",
		"curve on an AES key":  "a4016a7365637265742d6b6579026361657303000c697365637032353672" + "31",
		"quorum out of bounds": "a4016a7365637265742d6b6579026361657303000d09",
		"zero spelt out":       "a4016a7365637265742d6b6579026361657303000d00",
	} {
		data, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := Decode(data); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	whole, _ := New(SecretKey, AES).Encode()
	if _, err := Decode(append(whole, 0)); !errors.Is(err, ErrMalformed) {
		t.Errorf("trailing byte: %v", err)
	}
	if _, err := Decode(make([]byte, MaxEncoded+1)); !errors.Is(err, ErrMalformed) {
		t.Errorf("too long: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range append(sets(), example()) {
		data, err := s.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Decode(data)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		again, err := s.Encode()
		if err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%x became %x: %v", data, again, err)
		}
	})
}

// TestFormatPage: FORMAT.md lists every flag with its bit, and as many map keys
// as there are.
func TestFormatPage(t *testing.T) {
	page, err := os.ReadFile("../FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	_, line, _ := strings.Cut(string(page), "Flags, from the lowest bit: ")
	line, _, _ = strings.Cut(line, "\n")
	listed := strings.Split(strings.TrimSuffix(line, "."), ", ")
	for _, r := range table {
		if r.Kind != Flag {
			continue
		}
		want := fmt.Sprintf("%d %s", r.bit, r.Name)
		if i := slices.IndexFunc(listed, func(s string) bool { s, _, _ = strings.Cut(s, " ("); return s == want }); i < 0 {
			t.Errorf("%q is not in %q", want, line)
		} else {
			listed = slices.Delete(listed, i, i+1)
		}
	}
	if len(listed) > 0 {
		t.Errorf("no flags: %q", listed)
	}
	for i := range reflect.TypeFor[stored]().NumField() {
		if key, _, _ := strings.Cut(reflect.TypeFor[stored]().Field(i).Tag.Get("cbor"), ","); !strings.Contains(string(page), "| "+key+" | ") {
			t.Errorf("map key %s is not there", key)
		}
	}
}
