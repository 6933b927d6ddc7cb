package attr

import "fmt"

const (
	maxPoint   = 1 + 2*66 // secp521r1
	maxModulus = 4096 / 8
	maxQuorum  = 8
	maxLength  = 8192 // any key as stored
)

// check holds a Set against the table before it is stored and after it is
// read: the bytes may be from a later or a forged program.
func (s *Set) check() error {
	sort, _ := sortOf(s.Class, s.KeyType)
	if sort == none {
		return fmt.Errorf("%w: no key is %q and %q", ErrMalformed, s.Class, s.KeyType)
	}
	if _, err := ParseLabel(s.Label); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if s.flags&^knownFlags() != 0 {
		return fmt.Errorf("%w: unknown flags %#x", ErrMalformed, s.flags&^knownFlags())
	}
	if s.Curve != "" {
		if c, err := ParseCurve(s.Curve); err != nil || c != s.Curve {
			return fmt.Errorf("%w: unknown curve %q", ErrMalformed, s.Curve)
		}
	}
	return s.checkSizes(sort)
}

// checkSizes: bounds, and nothing in a field that this sort of key lacks.
func (s *Set) checkSizes(sort sorts) error {
	for _, f := range []struct {
		name Name
		size int
		max  int
	}{
		{ID, len(s.ID), maxID},
		{CheckValue, len(s.CheckValue), 3},
		{KeyLengthBytes, s.KeyLengthBytes, maxLength},
		{PublicExponent, s.PublicExponent, 1<<31 - 1},
		{Modulus, len(s.Modulus), maxModulus},
		{ModulusSizeBits, s.ModulusSizeBits, 8 * maxModulus},
		{ECPoint, len(s.ECPoint), maxPoint},
		{NameCurve, len(s.Curve), len("secp521r1")},
		{"manage-key-quorum-value", s.ManageQuorum, maxQuorum},
		{"use-key-quorum-value", s.UseQuorum, maxQuorum},
	} {
		if f.size == 0 {
			continue
		}
		r := find(f.name)
		foreign := r != nil && r.has&sort == 0
		if foreign || f.size < 0 || f.size > f.max {
			return fmt.Errorf("%w: bad %s", ErrMalformed, f.name)
		}
	}
	return nil
}

func knownFlags() uint64 {
	var known uint64
	for _, r := range table {
		if r.Kind == Flag {
			known |= 1 << r.bit
		}
	}
	return known
}
