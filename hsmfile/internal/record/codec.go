// Package record is the plain form of everything that an image stores: which
// keys there are in the store, and how each value is encoded. FORMAT.md in
// hsmfile describes the same for a reader without this program.
//
// Every value is canonical CBOR (RFC 8949 §4.2.1), a fixed array of fields.
// Decode accepts exactly what Encode makes, so that no two byte strings mean the
// same record: it encodes again and compares, or reads strictly (Strict).
package record

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"
)

// ErrMalformed: the bytes are not a record that Encode makes.
var ErrMalformed = errors.New("malformed record")

var encoder, decoder = modes()

func modes() (cbor.EncMode, cbor.DecMode) {
	enc, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		panic("record: " + err.Error())
	}
	dec, err := cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		MaxNestedLevels:   8,
		MaxArrayElements:  maxItems,
		MaxMapPairs:       64,
		UTF8:              cbor.UTF8RejectInvalid,
	}.DecMode()
	if err != nil {
		panic("record: " + err.Error())
	}
	return enc, dec
}

// Encode is the canonical encoding of a record of this package.
func Encode(v any) []byte {
	b, err := encoder.Marshal(v)
	if err != nil {
		panic("record: " + err.Error()) // every record type encodes
	}
	return b
}

// Decode reads what Encode made into v, a pointer to a zero record. The record
// may share b's memory.
func Decode(b []byte, v any) error {
	if v, ok := v.(interface{ ReadFields(*Strict) }); ok {
		return ReadStrict(b, v)
	}
	return decode(b, v)
}

// decode is Decode for every record.
func decode(b []byte, v any) error {
	if err := decoder.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	if !bytes.Equal(Encode(v), b) {
		return fmt.Errorf("%w: not in canonical form", ErrMalformed)
	}
	return nil
}
