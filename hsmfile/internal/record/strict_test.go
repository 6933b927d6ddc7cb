package record_test

import (
	"encoding/binary"
	"math"
	"reflect"
	"slices"
	"testing"

	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/record/recordtest"
)

// slowKey has no method ReadFields: it is decoded like every other record, and
// encoded again.
type slowKey record.Key

// checkStrict holds the two ways to read a key against each other.
func checkStrict(t *testing.T, b []byte) {
	t.Helper()
	var fast record.Key
	var slow slowKey
	errFast, errSlow := record.Decode(b, &fast), record.Decode(b, &slow)
	switch {
	case (errFast == nil) != (errSlow == nil):
		t.Errorf("%x: strict says %v, the decoder %v", b, errFast, errSlow)
	case errFast == nil && !reflect.DeepEqual(slow, slowKey(fast)):
		t.Errorf("%x: strict reads %+v, the decoder %+v", b, fast, slow)
	}
}

// keys is one of each form that a field can have.
func keys() (all [][]byte) {
	for _, k := range []record.Key{
		{}, {DEK: []byte{}, Body: []byte{}, Shared: [][]byte{}},
		{Gen: 23, Version: 24, DEK: make([]byte, 23), Body: make([]byte, 24), Shared: [][]byte{nil, {}, {1}}},
		{Gen: math.MaxUint8, Version: math.MaxUint8 + 1, Shared: make([][]byte, 24)},
		{Gen: math.MaxUint16, Version: math.MaxUint16 + 1},
		{Gen: math.MaxUint32, Version: math.MaxUint32 + 1, Body: make([]byte, 256)},
		{Version: math.MaxUint64, Body: make([]byte, 1<<16)},
	} {
		all = append(all, record.Encode(&k))
	}
	return all
}

// TestStrict: the two ways agree on every record, on each byte of it being
// another, missing or there twice, and on arrays of impossible length.
func TestStrict(t *testing.T) {
	for _, whole := range keys() {
		recordtest.Spellings(whole, 60, func(b []byte) { checkStrict(t, b) })
	}
	for _, n := range []int{1 << 16, 1<<16 + 1} {
		checkStrict(t, record.Encode(&record.Key{Shared: make([][]byte, n)}))
	}
	for _, head := range [][]byte{{0x9a, 0xff, 0xff, 0xff, 0xff}, {0x9b, 1, 0, 0, 0, 0, 0, 0, 0}, {0x9f}, {0xc0, 0x80}, {0x81, 0xf7}} {
		checkStrict(t, append([]byte{0x85, 0, 0, 0xf6, 0xf6}, head...))
	}
}

// TestStrictNumbers: a number has one form, and each field its bounds.
func TestStrictNumbers(t *testing.T) {
	for _, n := range []uint64{0, 23, 24, math.MaxUint8, math.MaxUint8 + 1, math.MaxUint16, math.MaxUint16 + 1,
		math.MaxInt32, math.MaxInt32 + 1, math.MaxUint32, math.MaxUint32 + 1, math.MaxInt64, math.MaxInt64 + 1, math.MaxUint64} {
		long := binary.BigEndian.AppendUint64(nil, n)
		for major := range byte(8) {
			heads := [][]byte{{major<<5 | byte(n&0x1f)}}
			for i := range 4 {
				heads = append(heads, append([]byte{major<<5 | byte(24+i)}, long[8-1<<i:]...))
			}
			for _, head := range heads {
				for _, b := range [][]byte{
					slices.Concat([]byte{0x85}, head, []byte{0, 0xf6, 0xf6, 0xf6}), // Gen
					slices.Concat([]byte{0x85, 0}, head, []byte{0xf6, 0xf6, 0xf6}), // Version
					slices.Concat([]byte{0x85, 0, 0}, head, []byte{0xf6, 0xf6}),    // DEK
					slices.Concat([]byte{0x85, 0, 0, 0xf6, 0xf6}, head),            // Shared
				} {
					checkStrict(t, b)
				}
			}
		}
	}
}

func FuzzStrict(f *testing.F) {
	for _, b := range keys()[:6] {
		f.Add(b)
	}
	f.Fuzz(checkStrict)
}

func BenchmarkDecodeKey(b *testing.B) {
	value := record.Encode(&record.Key{Gen: 1, Version: 70_000, DEK: make([]byte, 92), Body: make([]byte, 120)})
	for b.Loop() {
		var k record.Key
		if err := record.Decode(value, &k); err != nil {
			b.Fatal(err)
		}
	}
}
