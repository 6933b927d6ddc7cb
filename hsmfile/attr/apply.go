package attr

import (
	"fmt"
	"strings"
)

// Assignment is one attribute and the value it is to have, as a key object
// would print it.
type Assignment struct {
	Name  Name
	Value string
}

// ParseAssignments reads words of the form name=value, each name once.
func ParseAssignments(words []string) ([]Assignment, error) {
	var all []Assignment
	seen := map[Name]bool{}
	for _, w := range words {
		a, err := parseAssignment(w)
		if err != nil {
			return nil, err
		}
		if seen[a.Name] {
			return nil, &Error{Text: fmt.Sprintf("attribute %q is given twice", a.Name)}
		}
		seen[a.Name] = true
		all = append(all, a)
	}
	return all, nil
}

func parseAssignment(word string) (Assignment, error) {
	name, value, ok := strings.Cut(word, "=")
	if !ok {
		return Assignment{}, &Error{
			Text: fmt.Sprintf("malformed attribute %q", word),
			Hint: "write name=value, for example sign=true",
		}
	}
	r, err := Lookup(name)
	if err != nil {
		return Assignment{}, err
	}
	value, err = r.canonical(value)
	if err != nil {
		return Assignment{}, err
	}
	return Assignment{r.Name, value}, nil
}

// Apply gives a new key the attributes its maker asked for, all or none.
func (s *Set) Apply(assignments []Assignment) error {
	next := *s
	for _, a := range assignments {
		if err := next.assign(a); err != nil {
			return err
		}
	}
	next.derive()
	*s = next
	return nil
}

func (s *Set) assign(a Assignment) error {
	r, err := Lookup(string(a.Name))
	if err != nil {
		return err
	}
	value, err := r.canonical(a.Value)
	if err != nil {
		return err
	}
	if err := s.settable(&r, value); err != nil {
		return err
	}
	return s.store(&r, value)
}

// store writes a canonical value that was found to be allowed.
func (s *Set) store(r *Row, value string) (err error) {
	switch r.Name {
	case Label:
		s.Label = value
	case ID:
		s.ID, err = r.parseHex(value)
	default:
		s.Put(r.Name, value == "true")
	}
	return err
}

// settable asks the table. Saying of a settable attribute what holds by
// default is never refused: scripts spell out defaults.
func (s *Set) settable(r *Row, value string) error {
	sort, word := sortOf(s.Class, s.KeyType)
	if r.set == none {
		return &Error{Text: fmt.Sprintf("attribute %q cannot be set at creation: %s", r.Name, r.why)}
	}
	if r.Kind != Flag || (value == "true") == (r.on&sort != 0) {
		return nil
	}
	if r.fixed {
		return &Error{Text: fmt.Sprintf("attribute %q cannot be %s: %s", r.Name, value, r.why)}
	}
	if r.set&sort == 0 {
		return &Error{Text: fmt.Sprintf("attribute %q cannot be %s on %s", r.Name, value, word), Hint: s.elsewhere(r)}
	}
	return nil
}

// elsewhere points at the other half of a pair, where that is what was meant.
func (s *Set) elsewhere(r *Row) string {
	other := map[Class]Class{PublicKey: PrivateKey, PrivateKey: PublicKey}[s.Class]
	if sort, word := sortOf(other, s.KeyType); r.set&sort != 0 {
		return fmt.Sprintf("set it on the other half, %s", word)
	}
	return ""
}
