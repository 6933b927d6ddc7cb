package attr

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of what a user chooses.
const (
	MaxLabel = 127 // characters
	maxID    = 127 // bytes
)

// Curves are the names of the curves, as a key object shows them.
func Curves() []string { return []string{"secp224r1", "secp256r1", "secp384r1", "secp521r1"} }

// ParseCurve returns the name under which a curve is shown; CloudHSM's other
// name for secp256r1 is understood.
func ParseCurve(name string) (string, error) {
	if name == "prime256v1" {
		return "secp256r1", nil
	}
	return oneOf("curve", name, Curves())
}

// ParseLabel checks a label: shown on terminals and in logs, so it must not
// carry anything that acts there.
func ParseLabel(label string) (string, error) {
	switch {
	case !utf8.ValidString(label):
		return "", &Error{Text: fmt.Sprintf("invalid label %q: not UTF-8", label)}
	case utf8.RuneCountInString(label) > MaxLabel:
		return "", &Error{Text: fmt.Sprintf("invalid label: longer than %d characters", MaxLabel)}
	case strings.ContainsFunc(label, acts):
		return "", &Error{Text: fmt.Sprintf("invalid label %q: it contains a control character", label)}
	}
	return label, nil
}

// acts finds controls, line separators and the marks that reverse the order
// of the text after them. Other format characters stay: words need them.
func acts(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
}

// canonical returns value as Set.Value would print it, so that values compare
// as text; anything that no key could have is refused.
func (r *Row) canonical(value string) (string, error) {
	switch r.Kind {
	case Flag:
		return oneOf("value of "+string(r.Name), value, []string{"true", "false"})
	case Hex:
		b, err := r.parseHex(value)
		return hexText(b), err
	case Int:
		return r.canonicalInt(value)
	}
	return r.canonicalText(value)
}

func (r *Row) canonicalText(value string) (string, error) {
	switch r.Name {
	case NameClass:
		return oneOf("class", value, classWords())
	case NameKeyType:
		return oneOf("key type", value, typeWords())
	case NameCurve:
		return ParseCurve(value)
	}
	return ParseLabel(value)
}

func (r *Row) canonicalInt(value string) (string, error) {
	digits, base := value, 10
	if rest, ok := strings.CutPrefix(value, "0x"); ok {
		digits, base = rest, 16
	}
	n, err := strconv.ParseUint(digits, base, 31)
	if err != nil {
		return "", &Error{Text: fmt.Sprintf("invalid value %q for %s: not a number", value, r.Name)}
	}
	if r.Name == PublicExponent {
		return exponentText(int(n)), nil
	}
	return strconv.FormatUint(n, 10), nil
}

func (r *Row) parseHex(value string) ([]byte, error) {
	if value == "" || value == "0x" {
		return nil, nil
	}
	digits, ok := strings.CutPrefix(value, "0x")
	b, err := hex.DecodeString(digits)
	if !ok || err != nil {
		return nil, &Error{
			Text: fmt.Sprintf("invalid value %q for %s: not hexadecimal", value, r.Name),
			Hint: "write 0x and an even number of hexadecimal digits",
		}
	}
	if r.Name == ID && len(b) > maxID {
		return nil, &Error{Text: fmt.Sprintf("invalid value for id: longer than %d bytes", maxID)}
	}
	return b, nil
}

func oneOf(what, word string, choices []string) (string, error) {
	for _, c := range choices {
		if c == word {
			return c, nil
		}
	}
	return "", unknown(what, word, choices)
}

func classWords() []string {
	return []string{string(SecretKey), string(PublicKey), string(PrivateKey)}
}

func typeWords() []string {
	return []string{string(AES), string(GenericSecret), string(RSA), string(EC)}
}
