package attr

import (
	"fmt"
	"strconv"
	"strings"
)

// Filter picks keys: by reference, by attributes, by both; all must hold. The
// zero Filter picks every key.
type Filter struct {
	reference    uint64
	hasReference bool
	wants        []Assignment // in the order of the table, each name once
}

const (
	referenceWord = "key-reference"
	attrPrefix    = "attr."
)

// ParseFilter reads CloudHSM's filter words, key-reference=0x… and
// attr.NAME=VALUE; a bare word is a label.
func ParseFilter(words []string) (Filter, error) {
	var f Filter
	given := map[Name]string{}
	for _, w := range words {
		if err := f.parseWord(w, given); err != nil {
			return Filter{}, err
		}
	}
	for _, r := range table {
		if value, ok := given[r.Name]; ok {
			f.wants = append(f.wants, Assignment{r.Name, value})
		}
	}
	return f, nil
}

func (f *Filter) parseWord(word string, given map[Name]string) error {
	name, value, isPair := strings.Cut(word, "=")
	switch {
	case strings.HasPrefix(word, attrPrefix) && !isPair:
		return &Error{Text: fmt.Sprintf("malformed filter %q", word), Hint: "write " + word + "=VALUE"}
	case strings.HasPrefix(word, attrPrefix):
		return want(word, given)
	case isPair && name == referenceWord:
		return f.parseReference(value)
	case isPair:
		return malformedPair(word, name)
	case word == "":
		return &Error{Text: `malformed filter ""`, Hint: "write attr.label= for keys without a label"}
	}
	return want(attrPrefix+"label="+word, given)
}

func want(word string, given map[Name]string) error {
	a, err := parseAssignment(strings.TrimPrefix(word, attrPrefix))
	if err != nil {
		return err
	}
	if _, twice := given[a.Name]; twice {
		e := &Error{Text: fmt.Sprintf("filter names %q twice", a.Name)}
		if a.Name == Label {
			e.Hint = "quote a label that contains spaces"
		}
		return e
	}
	given[a.Name] = a.Value
	return nil
}

func (f *Filter) parseReference(value string) error {
	if f.hasReference {
		return &Error{Text: "filter names key-reference twice"}
	}
	ref, err := ParseReference(value)
	if err != nil {
		return err
	}
	f.reference, f.hasReference = ref, true
	return nil
}

// malformedPair helps whoever left out the prefix, or has a label with a "=".
func malformedPair(word, name string) error {
	e := &Error{
		Text: fmt.Sprintf("malformed filter %q", word),
		Hint: "write attr.label=" + word + " if this is a label",
	}
	if near := Nearest(name, append(names(), referenceWord)); near == referenceWord {
		e.Hint = "write key-reference=0x…"
	} else if near != "" {
		e.Hint = "write attr." + near + "=…"
	}
	return e
}

// ParseReference reads a key reference: 0x and one to sixteen digits.
func ParseReference(text string) (uint64, error) {
	digits, ok := strings.CutPrefix(text, "0x")
	ref, err := strconv.ParseUint(digits, 16, 64)
	if !ok || err != nil || len(digits) > 16 {
		return 0, &Error{
			Text: fmt.Sprintf("malformed key reference %q", text),
			Hint: "write 0x and up to 16 hexadecimal digits, as key list shows them",
		}
	}
	return ref, nil
}

// FormatReference prints a key reference as CloudHSM does.
func FormatReference(ref uint64) string { return fmt.Sprintf("0x%016x", ref) }

// Reference is the key reference the filter names, if it names one.
func (f Filter) Reference() (uint64, bool) { return f.reference, f.hasReference }

// Label is the label the filter names, if it names one.
func (f Filter) Label() (string, bool) {
	for _, w := range f.wants {
		if w.Name == Label {
			return w.Value, true
		}
	}
	return "", false
}

// Empty says that the filter picks every key.
func (f Filter) Empty() bool { return !f.hasReference && len(f.wants) == 0 }

// Match says whether the filter picks this key. An attribute that the key
// does not have equals nothing.
func (f Filter) Match(ref uint64, s *Set) bool {
	if f.hasReference && f.reference != ref {
		return false
	}
	for _, w := range f.wants {
		if value, has := s.Value(w.Name); !has || value != w.Value {
			return false
		}
	}
	return true
}

// Words are the filter as ParseFilter reads it.
func (f Filter) Words() []string {
	var words []string
	if f.hasReference {
		words = append(words, referenceWord+"="+FormatReference(f.reference))
	}
	for _, w := range f.wants {
		if w.Name == Label && bare(w.Value) {
			words = append(words, w.Value)
			continue
		}
		words = append(words, attrPrefix+string(w.Name)+"="+w.Value)
	}
	return words
}

func bare(label string) bool {
	return label != "" && !strings.Contains(label, "=") && !strings.HasPrefix(label, attrPrefix) && !strings.HasPrefix(label, "-")
}

// String is the filter as one would type it in a shell.
func (f Filter) String() string {
	var quoted []string
	for _, w := range f.Words() {
		quoted = append(quoted, shellQuote(w))
	}
	return strings.Join(quoted, " ")
}

// shellQuote leaves plain words alone and puts the rest in single quotes, in
// which a shell changes nothing.
func shellQuote(w string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.=/:,@+", r)
	}
	if strings.IndexFunc(w, func(r rune) bool { return !plain(r) }) < 0 {
		return w
	}
	return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
}
