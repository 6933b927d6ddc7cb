package attr

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"
)

// MaxEncoded bounds an encoded Set, in bytes: twice the largest that exists.
const MaxEncoded = 4096

// ErrMalformed: the bytes are not an encoded Set as Encode makes it.
var ErrMalformed = errors.New("malformed attributes")

// stored is the form of a Set in an image: a CBOR map (core deterministic)
// with these small integers for keys. Numbers are never reused; what is zero
// is left out.
type stored struct {
	Class           Class   `cbor:"1,keyasint"`
	KeyType         KeyType `cbor:"2,keyasint"`
	Flags           uint64  `cbor:"3,keyasint"`
	Label           string  `cbor:"4,keyasint,omitempty"`
	ID              []byte  `cbor:"5,keyasint,omitempty"`
	CheckValue      []byte  `cbor:"6,keyasint,omitempty"`
	KeyLengthBytes  int     `cbor:"7,keyasint,omitempty"`
	PublicExponent  int     `cbor:"8,keyasint,omitempty"`
	Modulus         []byte  `cbor:"9,keyasint,omitempty"`
	ModulusSizeBits int     `cbor:"10,keyasint,omitempty"`
	ECPoint         []byte  `cbor:"11,keyasint,omitempty"`
	Curve           string  `cbor:"12,keyasint,omitempty"`
	ManageQuorum    int     `cbor:"13,keyasint,omitempty"`
	UseQuorum       int     `cbor:"14,keyasint,omitempty"`
}

// encMode and decMode are constants in all but syntax.
var (
	encMode = must(cbor.CoreDetEncOptions().EncMode())
	decMode = must(cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		MaxNestedLevels:   4,
		MaxMapPairs:       32,
		MaxArrayElements:  16,
	}.DecMode())
)

func must[T any](mode T, err error) T {
	if err != nil {
		panic("attr: " + err.Error())
	}
	return mode
}

// Encode returns the one encoding of s. It refuses a Set that Decode would.
func (s *Set) Encode() ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	return encMode.Marshal(stored{
		Class: s.Class, KeyType: s.KeyType, Flags: s.flags,
		Label: s.Label, ID: s.ID, CheckValue: s.CheckValue,
		KeyLengthBytes: s.KeyLengthBytes, PublicExponent: s.PublicExponent,
		Modulus: s.Modulus, ModulusSizeBits: s.ModulusSizeBits,
		ECPoint: s.ECPoint, Curve: s.Curve,
		ManageQuorum: s.ManageQuorum, UseQuorum: s.UseQuorum,
	})
}

// Decode accepts exactly what Encode makes.
func Decode(data []byte) (*Set, error) {
	if len(data) > MaxEncoded {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrMalformed, MaxEncoded)
	}
	var w stored
	if err := decMode.Unmarshal(data, &w); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	s := &Set{
		Class: w.Class, KeyType: w.KeyType, flags: w.Flags,
		Label: w.Label, ID: w.ID, CheckValue: w.CheckValue,
		KeyLengthBytes: w.KeyLengthBytes, PublicExponent: w.PublicExponent,
		Modulus: w.Modulus, ModulusSizeBits: w.ModulusSizeBits,
		ECPoint: w.ECPoint, Curve: w.Curve,
		ManageQuorum: w.ManageQuorum, UseQuorum: w.UseQuorum,
	}
	// Two spellings of one Set would be two hashes of one state.
	again, err := s.Encode()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, data) {
		return nil, fmt.Errorf("%w: not in canonical form", ErrMalformed)
	}
	return s, nil
}
