package attr

import "fmt"

// Modify changes one attribute of a key that exists, as the table's Change
// column allows; admin says that a CO asks. The key's own modifiable is the
// caller's to check, for a key that nobody may change has no attribute that
// could say so any more.
func (s *Set) Modify(a Assignment, admin bool) error {
	r, err := Lookup(string(a.Name))
	if err != nil {
		return err
	}
	value, err := r.canonical(a.Value)
	if err != nil {
		return err
	}
	if err := s.changeable(&r, value, admin); err != nil {
		return err
	}
	return s.store(&r, value)
}

// changeable asks the table: who may, in which direction, and whether this
// sort of key could honour it.
func (s *Set) changeable(r *Row, value string, admin bool) error {
	sort, word := sortOf(s.Class, s.KeyType)
	denied := func(format string, args ...any) error {
		return &Error{Text: fmt.Sprintf(format, args...), Denied: true}
	}
	switch {
	case r.Change == Never:
		return denied("attribute %q cannot be changed: %s", r.Name, orElse(r.why, "it is fixed when the key is made"))
	case r.Change == AdminOnly && !admin:
		return denied("attribute %q is set by a CO", r.Name)
	case r.Change != AdminOnly && admin:
		return denied("attribute %q is set by the key's owner; a CO sets trusted alone", r.Name)
	case r.fixed:
		return denied("attribute %q cannot be %s: %s", r.Name, value, r.why)
	case r.Change == OnlyFalse && value == "true" && !s.Is(r.Name):
		return denied("attribute %q is false for good", r.Name)
	case r.Change == OnlyTrue && value == "false" && s.Is(r.Name):
		return denied("attribute %q is true for good", r.Name)
	case r.Kind == Flag && r.Change == Freely && value == "true" && r.set&sort == 0:
		return &Error{Text: fmt.Sprintf("attribute %q cannot be true on %s", r.Name, word), Hint: s.elsewhere(r)}
	}
	return nil
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
