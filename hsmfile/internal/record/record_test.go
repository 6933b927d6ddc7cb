package record_test

import (
	"bytes"
	"errors"
	"testing"

	"filehsm/hsmfile/internal/record"
)

// TestDecodeStrict: no two byte strings mean the same record.
func TestDecodeStrict(t *testing.T) {
	whole := record.Encode(&record.Pins{Epoch: 5, Hash: []byte{1}, KeptEpoch: 4, Kept: []byte{2}})
	for what, b := range map[string][]byte{
		"nothing": nil, "a byte more": append(bytes.Clone(whole), 0), "a byte less": whole[:len(whole)-1],
		"a field less":       {0x83, 5, 0x41, 1, 4},
		"a field more":       {0x85, 5, 0x41, 1, 4, 0x41, 2, 0},
		"a longer number":    {0x84, 0x18, 5, 0x41, 1, 4, 0x41, 2},
		"no end to it":       {0x9f, 5, 0x41, 1, 4, 0x41, 2, 0xff},
		"text for bytes":     {0x84, 5, 0x61, 'x', 4, 0x41, 2},
		"null for bytes":     {0x84, 5, 0xf6, 4, 0x41, 2, 0},
		"a tag":              {0xc1, 0x84, 5, 0x41, 1, 4, 0x41, 2},
		"a map":              {0xa0},
		"2^60 items claimed": {0x9b, 0x10, 0, 0, 0, 0, 0, 0, 0},
	} {
		if err := record.Decode(b, new(record.Pins)); !errors.Is(err, record.ErrMalformed) {
			t.Errorf("%s: got %v, want ErrMalformed", what, err)
		}
	}
	if err := record.Decode(whole, new(record.Pins)); err != nil {
		t.Error(err)
	}
}

// TestEnvelope: damage and "too new" are told apart, whatever is inside.
func TestEnvelope(t *testing.T) {
	whole := record.Envelope("magic", []byte("body"))
	for i := range whole {
		b := bytes.Clone(whole)
		b[i] ^= 1
		if _, err := record.OpenEnvelope("magic", b); !errors.Is(err, record.ErrMalformed) {
			t.Errorf("byte %d flipped: got %v, want ErrMalformed", i, err)
		}
	}
	for n := range whole {
		if _, err := record.OpenEnvelope("magic", whole[:n]); !errors.Is(err, record.ErrMalformed) {
			t.Errorf("cut at %d: got %v, want ErrMalformed", n, err)
		}
	}
	if _, err := record.OpenEnvelope("magik", whole); !errors.Is(err, record.ErrMalformed) {
		t.Error("another magic is taken")
	}
	if body, err := record.OpenEnvelope("magic", whole); err != nil || string(body) != "body" {
		t.Errorf("got %q, %v", body, err)
	}
}

// TestCounterChecksum: a flipped bit is not a free attempt.
func TestCounterChecksum(t *testing.T) {
	whole := record.EncodeCounter(record.Counter{User: make([]byte, 8), Failures: 2, Since: 1})
	for i := range len(whole) * 8 {
		b := bytes.Clone(whole)
		b[i/8] ^= 1 << (i % 8)
		if c, err := record.DecodeCounter(b); err == nil {
			t.Errorf("bit %d flipped: taken as %+v", i, c)
		}
	}
}
