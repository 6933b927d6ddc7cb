package record

import (
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"
)

// Strict reads canonical CBOR item by item, for the records of which an image
// has the most: keys, and the audit log's entries. Decoding a value and
// encoding it again costs twenty times as much, and here nothing is encoded:
// each length has one form that is taken, the shortest, and each item one type,
// so what is read to the end has no other spelling. A fuzz test holds it
// against the other way.
//
// After the first item that is not what was asked for, all are zero. What it
// returns shares the memory of what it reads.
type Strict struct {
	rest []byte
	bad  bool
}

// ReadStrict fills v from all of b, or fails with ErrMalformed.
func ReadStrict(b []byte, v interface{ ReadFields(*Strict) }) error {
	s := &Strict{rest: b}
	v.ReadFields(s)
	if s.bad || len(s.rest) > 0 {
		return fmt.Errorf("%w: not in canonical form", ErrMalformed)
	}
	return nil
}

// CBOR's major types, and its simple values.
const (
	majorUint = iota
	majorNegative
	majorBytes
	majorText
	majorArray

	simpleFalse = 0xf4
	simpleTrue  = 0xf5
	simpleNull  = 0xf6
)

// maxItems bounds an array, as in the decoder of all other records.
const maxItems = 1 << 16

func (s *Strict) fail() {
	s.rest, s.bad = nil, true
}

// simple takes a byte if it is the next.
func (s *Strict) simple(b byte) bool {
	if len(s.rest) == 0 || s.rest[0] != b {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// head reads the head of an item of a major type: its number in the shortest
// form, at most max.
func (s *Strict) head(major byte, max uint64) uint64 {
	if len(s.rest) == 0 || s.rest[0]>>5 != major {
		s.fail()
		return 0
	}
	short := s.rest[0] & 0x1f
	s.rest = s.rest[1:]
	if short < 24 {
		if uint64(short) > max {
			s.fail()
			return 0
		}
		return uint64(short)
	}
	n, ok := s.long(short)
	if !ok || n > max {
		s.fail()
		return 0
	}
	return n
}

// long reads a number that follows its head in 1, 2, 4 or 8 bytes, and fits no
// fewer.
func (s *Strict) long(short byte) (n uint64, ok bool) {
	if short > 27 || len(s.rest) < 1<<(short-24) {
		return 0, false
	}
	switch short {
	case 24:
		n, ok = uint64(s.rest[0]), s.rest[0] >= 24
	case 25:
		n = uint64(binary.BigEndian.Uint16(s.rest))
		ok = n > math.MaxUint8
	case 26:
		n = uint64(binary.BigEndian.Uint32(s.rest))
		ok = n > math.MaxUint16
	case 27:
		n = binary.BigEndian.Uint64(s.rest)
		ok = n > math.MaxUint32
	}
	s.rest = s.rest[1<<(short-24):]
	return n, ok
}

// Fields reads the head of a record with so many fields.
func (s *Strict) Fields(n int) {
	if s.head(majorArray, maxItems) != uint64(n) {
		s.fail()
	}
}

// Uint reads a number up to max.
func (s *Strict) Uint(max uint64) uint64 { return s.head(majorUint, max) }

// Int reads a number of either sign.
func (s *Strict) Int() int64 {
	if len(s.rest) > 0 && s.rest[0]>>5 == majorNegative {
		n := int64(s.head(majorNegative, math.MaxInt64))
		if s.bad {
			return 0
		}
		return -1 - n
	}
	return int64(s.head(majorUint, math.MaxInt64))
}

// Bool reads a truth value.
func (s *Strict) Bool() bool {
	yes := s.simple(simpleTrue)
	if !yes && !s.simple(simpleFalse) {
		s.fail()
	}
	return yes
}

// Null says whether the next item is null, and takes it if so.
func (s *Strict) Null() bool { return s.simple(simpleNull) }

// Bytes reads a byte string; nil for null.
func (s *Strict) Bytes() []byte {
	if s.Null() {
		return nil
	}
	return s.take(s.head(majorBytes, math.MaxInt32))
}

// Text reads a string.
func (s *Strict) Text() string {
	b := s.take(s.head(majorText, math.MaxInt32))
	if !utf8.Valid(b) {
		s.fail()
		return ""
	}
	return string(b)
}

func (s *Strict) take(n uint64) []byte {
	if s.bad || n > uint64(len(s.rest)) {
		s.fail()
		return nil
	}
	b := s.rest[:n:n]
	s.rest = s.rest[n:]
	return b
}

// Array reads an array of what each reads; nil for null.
func Array[T any](s *Strict, each func(*T, *Strict)) []T {
	if s.Null() {
		return nil
	}
	n := s.head(majorArray, maxItems)
	if s.bad || n > uint64(len(s.rest)) { // each item takes a byte at least: no claim makes us allocate
		s.fail()
		return nil
	}
	all := make([]T, n)
	for i := range all {
		if each(&all[i], s); s.bad {
			return nil
		}
	}
	return all
}
