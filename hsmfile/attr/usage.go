package attr

import (
	"fmt"
	"strings"
)

// Usage is what a key is for, in one word; the attributes follow from it.
type Usage string

// The usages.
const (
	UseSign    Usage = "sign"
	UseEncrypt Usage = "encrypt"
	UseWrap    Usage = "wrap"
	UseDerive  Usage = "derive"
)

// uses are the flags that say what a key can do, in the order shown.
var uses = []Name{Sign, Verify, Encrypt, Decrypt, Wrap, Unwrap, Derive}

// usageTable: what each usage turns on, on which sorts. A key type that a
// usage names on no half cannot be used so.
var usageTable = []struct {
	usage Usage
	flag  Name
	on    sorts
}{
	{UseSign, Sign, secret | private},
	{UseSign, Verify, secret | public},
	{UseEncrypt, Encrypt, aes | rsaPub},
	{UseEncrypt, Decrypt, aes | rsaPriv},
	{UseWrap, Wrap, aes | rsaPub},
	{UseWrap, Unwrap, aes | rsaPriv},
	{UseDerive, Derive, secret | ecPriv},
}

// ParseUsages reads words such as "sign".
func ParseUsages(words []string) ([]Usage, error) {
	var all []Usage
	for _, w := range words {
		u, err := oneOf("usage", w, usageWords())
		if err != nil {
			return nil, err
		}
		all = append(all, Usage(u))
	}
	return all, nil
}

func usageWords() []string {
	return []string{string(UseSign), string(UseEncrypt), string(UseWrap), string(UseDerive)}
}

// ApplyUsages makes a new key one that can do just this: what the usages do
// not name is turned off, defaults included. Each half of a pair takes its
// part of the same usages. No usages leave the defaults.
func (s *Set) ApplyUsages(usages []Usage) error {
	if len(usages) == 0 {
		return nil
	}
	for _, u := range usages {
		if !s.typeCan(u) {
			return &Error{
				Text: fmt.Sprintf("a key of type %q cannot be used to %s", s.KeyType, u),
				Hint: "usages of this key type: " + strings.Join(s.typeUsages(), ", "),
			}
		}
	}
	for _, name := range uses {
		s.Put(name, false)
	}
	sort, _ := sortOf(s.Class, s.KeyType)
	for _, u := range usages {
		s.turnOn(u, sort)
	}
	return nil
}

func (s *Set) turnOn(u Usage, sort sorts) {
	for _, row := range usageTable {
		if row.usage == u && row.on&sort != 0 {
			s.Put(row.flag, true)
		}
	}
}

// typeCan asks for the key type as a whole: a public EC key has no part in
// derive, yet the pair can.
func (s *Set) typeCan(u Usage) bool {
	var ofType sorts
	for _, row := range sortTable {
		if row.keyType == s.KeyType {
			ofType |= row.sort
		}
	}
	for _, row := range usageTable {
		if row.usage == u && row.on&ofType != 0 {
			return true
		}
	}
	return false
}

func (s *Set) typeUsages() []string {
	var all []string
	for _, u := range usageWords() {
		if s.typeCan(Usage(u)) {
			all = append(all, u)
		}
	}
	return all
}

// Can is one line that says what the key can do: "can: wrap, unwrap".
func (s *Set) Can() string {
	var all []string
	for _, name := range uses {
		if s.Is(name) {
			all = append(all, string(name))
		}
	}
	if len(all) == 0 {
		return "can: nothing"
	}
	return "can: " + strings.Join(all, ", ")
}
