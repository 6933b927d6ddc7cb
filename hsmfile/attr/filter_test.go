package attr

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func example() *Set {
	s := New(PrivateKey, RSA)
	s.Label, s.ID = "tls", []byte{0xab, 0x01}
	s.PublicExponent, s.ModulusSizeBits = 65537, 2048
	s.Put(Sign, true)
	return s
}

func TestFilterMatch(t *testing.T) {
	const ref = 0x2e06bf
	for words, want := range map[string]bool{
		"":                                     true,
		"tls":                                  true,
		"TLS":                                  false,
		"key-reference=0x2e06bf":               true,
		"key-reference=0x00000000002E06BF":     true,
		"key-reference=0x1":                    false,
		"key-reference=0x2e06bf other":         false,
		"attr.label=tls attr.class=public-key": false,
		"attr.sign=true attr.key-type=rsa":     true,
		"attr.sign=false":                      false,
		"attr.id=0xAB01":                       true,
		"attr.id=":                             false,
		"attr.public-exponent=65537":           true,
		"attr.public-exponent=0x10001":         true,
		"attr.modulus-size-bits=2048":          true,
		"attr.curve=secp256r1":                 false,
		"attr.check-value=":                    true,
	} {
		f, err := ParseFilter(strings.Fields(words))
		if err != nil || f.Match(ref, example()) != want {
			t.Errorf("%q: match %v, %v", words, !want, err)
		}
	}
}

func TestFilterRefuses(t *testing.T) {
	for _, c := range []struct{ word, text, hint string }{
		{"attr.lable=x", `unknown attribute "lable"`, `"label"`},
		{"attr.sign", `malformed filter "attr.sign"`, "attr.sign=VALUE"},
		{"attr.sign=1", "unknown value of sign", "true, false"},
		{"attr.class=private", `unknown class "private"`, "private-key"},
		{"attr.curve=secp256k1", `unknown curve "secp256k1"`, "secp256r1"},
		{"attr.modulus-size-bits=big", "not a number", ""},
		{"sign=true", `malformed filter "sign=true"`, "attr.sign="},
		{"key-refrence=0x1", "malformed filter", "key-reference="},
		{"a=b", "malformed filter", "attr.label=a=b"},
		{"key-reference=17", "malformed key reference", "0x"},
		{"key-reference=0x00000000000000001", "malformed key reference", "16"},
		{"key-reference=0x-1", "malformed key reference", ""},
		{"", `malformed filter ""`, "attr.label="},
	} {
		_, err := ParseFilter([]string{c.word})
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(e.Text, c.text) || !strings.Contains(e.Hint, c.hint) {
			t.Errorf("%q: %#v", c.word, err)
		}
	}
	for _, twice := range [][]string{{"a", "b"}, {"attr.sign=true", "attr.sign=true"}, {"key-reference=0x1", "key-reference=0x1"}} {
		if _, err := ParseFilter(twice); err == nil {
			t.Errorf("%q passed", twice)
		}
	}
}

func TestFilterIsPrintedAsItIsTyped(t *testing.T) {
	for _, c := range []struct {
		words []string
		want  string
	}{
		{[]string{"tls"}, "tls"},
		{[]string{"attr.class=private-key", "attr.label=tls"}, "tls attr.class=private-key"},
		{[]string{"key-reference=0x1"}, "key-reference=0x0000000000000001"},
		{[]string{"it's mine"}, `'it'\''s mine'`},
		{[]string{"attr.label=a=b"}, "attr.label=a=b"},
		{[]string{"attr.label=-x"}, "attr.label=-x"},
		{[]string{"attr.label="}, "attr.label="},
		{[]string{"attr.curve=prime256v1"}, "attr.curve=secp256r1"},
	} {
		f, err := ParseFilter(c.words)
		if err != nil || f.String() != c.want {
			t.Errorf("%q: %s, %v", c.words, f, err)
		}
	}
}

func TestFilterAccessors(t *testing.T) {
	f, err := ParseFilter([]string{"tls", "key-reference=0x10"})
	if err != nil {
		t.Fatal(err)
	}
	label, hasLabel := f.Label()
	ref, hasRef := f.Reference()
	if label != "tls" || !hasLabel || ref != 16 || !hasRef || f.Empty() || !(Filter{}).Empty() {
		t.Errorf("%q %v %d %v", label, hasLabel, ref, hasRef)
	}
}

func FuzzFilter(f *testing.F) {
	for _, words := range []string{"tls", "key-reference=0x1", "attr.sign=true\nattr.id=0xAB", "attr.label=a=b", "a=b",
		"attr.public-exponent=0x10001", "attr.label=\nattr.curve=prime256v1"} {
		f.Add(words)
	}
	f.Fuzz(func(t *testing.T, text string) {
		filter, err := ParseFilter(strings.Split(text, "\n"))
		if err != nil {
			if !errors.As(err, new(*Error)) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		again, err := ParseFilter(filter.Words())
		if err != nil || !reflect.DeepEqual(filter, again) {
			t.Fatalf("%q became %q: %v", filter, again, err)
		}
	})
}
