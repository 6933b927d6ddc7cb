package attr

import (
	"fmt"
	"strconv"
)

// Set is the attributes of one key object. Slices in it are replaced, never
// written into, so a plain copy of a Set is a copy.
type Set struct {
	Class   Class
	KeyType KeyType

	Label string
	ID    []byte

	// Filled from the key itself; see the mechanisms.
	CheckValue      []byte
	KeyLengthBytes  int
	PublicExponent  int
	Modulus         []byte
	ModulusSizeBits int
	ECPoint         []byte // uncompressed: 04, x, y
	Curve           string // one of Curves()

	// Approvals that managing and using the key take; 0 is none. They are
	// part of key-info, not of the attributes, in CloudHSM's key object.
	ManageQuorum int
	UseQuorum    int

	flags uint64
}

// New returns the attributes of a key generated here, CloudHSM's defaults. It
// panics on a class and key type that do not go together: callers choose both
// from constants.
func New(class Class, keyType KeyType) *Set {
	sort, _ := sortOf(class, keyType)
	if sort == none {
		panic("attr: no key is " + string(class) + " and " + string(keyType))
	}
	s := &Set{Class: class, KeyType: keyType}
	for _, r := range table {
		if r.Kind == Flag && r.on&sort != 0 {
			s.flags |= 1 << r.bit
		}
	}
	s.derive()
	return s
}

// NewImported returns the attributes of a key that came from outside: it was
// not made here, and nobody knows where it was in the clear.
func NewImported(class Class, keyType KeyType) *Set {
	s := New(class, keyType)
	s.flags &^= 1 << find(Local).bit
	s.derive()
	return s
}

// Is says whether a flag is set. Names that are no flags are a mistake of the
// program, and false.
func (s *Set) Is(name Name) bool {
	r := find(name)
	return r != nil && r.Kind == Flag && s.flags>>r.bit&1 == 1
}

// Put sets a flag without asking whether anybody may; what depends on it is
// derived anew only by Apply. It panics on a name that is no flag.
func (s *Set) Put(name Name, value bool) {
	r := find(name)
	if r == nil || r.Kind != Flag {
		panic("attr: " + string(name) + " is no flag")
	}
	s.flags &^= 1 << r.bit
	if value {
		s.flags |= 1 << r.bit
	}
}

// derive settles what a new key's history says. A public key is not a secret,
// so neither is ever true of one.
func (s *Set) derive() {
	made := s.Is(Local) && s.Class != PublicKey
	s.Put(AlwaysSensitive, made && s.Is(Sensitive))
	s.Put(NeverExtractable, made && !s.Is(Extractable))
}

// Describe names the sort of key for messages: "an EC private key".
func (s *Set) Describe() string {
	_, word := sortOf(s.Class, s.KeyType)
	return word
}

// Value is an attribute as a key object prints it, without quotes; false if
// this sort of key has no such attribute.
func (s *Set) Value(name Name) (string, bool) {
	r := find(name)
	sort, _ := sortOf(s.Class, s.KeyType)
	if r == nil || r.has&sort == 0 {
		return "", false
	}
	return s.text(r), true
}

// Each calls fn for every attribute that this sort of key has, in the table's
// order, with its Value.
func (s *Set) Each(fn func(name Name, value string)) {
	sort, _ := sortOf(s.Class, s.KeyType)
	for i := range table {
		if r := &table[i]; r.has&sort != 0 {
			fn(r.Name, s.text(r))
		}
	}
}

// text is total over the table; TestEveryRowHasAValue keeps it so.
func (s *Set) text(r *Row) string {
	switch r.Name {
	case NameKeyType:
		return string(s.KeyType)
	case NameClass:
		return string(s.Class)
	case Label:
		return s.Label
	case ID:
		return hexText(s.ID)
	case CheckValue:
		return hexText(s.CheckValue)
	case KeyLengthBytes:
		return strconv.Itoa(s.KeyLengthBytes)
	case PublicExponent:
		return exponentText(s.PublicExponent)
	case Modulus:
		return hexText(s.Modulus)
	case ModulusSizeBits:
		return strconv.Itoa(s.ModulusSizeBits)
	case ECPoint:
		return hexText(s.ECPoint)
	case NameCurve:
		return s.Curve
	}
	return strconv.FormatBool(s.flags>>r.bit&1 == 1)
}

func hexText(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	return fmt.Sprintf("0x%x", b)
}

// exponentText prints 65537 as CloudHSM does, in whole bytes: 0x010001.
func exponentText(e int) string {
	digits := fmt.Sprintf("%06x", e)
	if len(digits)%2 == 1 {
		digits = "0" + digits
	}
	return "0x" + digits
}
