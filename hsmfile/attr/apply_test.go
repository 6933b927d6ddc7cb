package attr

import (
	"errors"
	"strings"
	"testing"
)

// apply parses and applies words to a new Set.
func apply(s *Set, words ...string) error {
	as, err := ParseAssignments(words)
	if err != nil {
		return err
	}
	return s.Apply(as)
}

func TestApply(t *testing.T) {
	s := New(SecretKey, AES)
	if err := apply(s, "wrap=true", "unwrap=true", "sign=false", "id=0xAB", "label=kek 1", "token=true"); err != nil {
		t.Fatal(err)
	}
	if !s.Is(Wrap) || !s.Is(Unwrap) || s.Is(Sign) || !s.Is(Verify) || s.Label != "kek 1" {
		t.Errorf("got %s, label %q", s.Can(), s.Label)
	}
	if id, _ := s.Value(ID); id != "0xab" {
		t.Errorf("id %q", id)
	}
}

func TestApplyRefuses(t *testing.T) {
	aes, pub, priv, ec := New(SecretKey, AES), New(PublicKey, RSA), New(PrivateKey, RSA), New(PrivateKey, EC)
	for _, c := range []struct {
		set  *Set
		word string
		text string // part of the error
		hint string // part of the hint
	}{
		{aes, "extratable=true", `unknown attribute "extratable"`, `"extractable"`},
		{aes, "wrap", `malformed attribute "wrap"`, "name=value"},
		{aes, "wrap=yes", `unknown value of wrap "yes"`, "true, false"},
		{aes, "trusted=true", `"trusted" cannot be set at creation`, ""},
		{aes, "trusted=false", `"trusted" cannot be set at creation`, ""},
		{aes, "local=true", "history", ""},
		{aes, "check-value=0x010203", "follows from the key", ""},
		{aes, "class=secret-key", "the command", ""},
		{aes, "key-length-bytes=32", "the command", ""},
		{aes, "token=false", "token key", ""},
		{aes, "private=false", "private", ""},
		{aes, "sensitive=false", "cannot be false on an AES key", ""},
		{aes, "id=abc", "not hexadecimal", "0x"},
		{aes, "id=0x" + strings.Repeat("00", 128), "longer than 127", ""},
		{aes, "label=" + strings.Repeat("é", 128), "longer than 127", ""},
		{aes, "label=a\x1b[2J", "control character", ""},
		{aes, "label=a\u202eb", "control character", ""},
		{aes, "label=\xff", "not UTF-8", ""},
		{pub, "sign=true", "cannot be true on an RSA public key", "an RSA private key"},
		{pub, "unwrap=true", "cannot be true", "other half"},
		{priv, "wrap=true", "cannot be true", "an RSA public key"},
		{ec, "unwrap=true", "cannot be true on an EC private key", ""},
	} {
		before := *c.set
		err := apply(c.set, c.word)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(e.Text, c.text) || !strings.Contains(e.Hint, c.hint) {
			t.Errorf("%q: %#v", c.word, err)
		}
		if before.flags != c.set.flags || before.Label != c.set.Label {
			t.Errorf("%q changed the set", c.word)
		}
	}
}

func TestApplyIsAllOrNothing(t *testing.T) {
	s := New(PrivateKey, EC)
	if err := apply(s, "sign=true", "wrap=true"); err == nil || s.Is(Sign) {
		t.Errorf("sign is %v after %v", s.Is(Sign), err)
	}
	if err := apply(s, "sign=true", "sign=false"); err == nil {
		t.Error("a name given twice passed")
	}
}

func TestDefaultsMayBeSpeltOut(t *testing.T) {
	for _, s := range sets() {
		for _, r := range Table() {
			if r.Kind != Flag || r.set == none {
				continue
			}
			value, _ := s.Value(r.Name)
			if err := apply(s, string(r.Name)+"="+value); err != nil {
				t.Errorf("%s: %v", s.Describe(), err)
			}
		}
	}
}

func TestLabelOf127CharactersPasses(t *testing.T) {
	label := strings.Repeat("語", MaxLabel)
	s := New(SecretKey, AES)
	if err := apply(s, "label="+label); err != nil || s.Label != label {
		t.Error(err)
	}
}

func TestUsages(t *testing.T) {
	for _, c := range []struct {
		class   Class
		keyType KeyType
		usages  string
		want    string // the line, or part of the error
	}{
		{SecretKey, AES, "", "can: sign, verify"},
		{SecretKey, AES, "sign", "can: sign, verify"},
		{SecretKey, AES, "wrap", "can: wrap, unwrap"},
		{SecretKey, AES, "wrap encrypt", "can: encrypt, decrypt, wrap, unwrap"},
		{SecretKey, GenericSecret, "derive", "can: derive"},
		{SecretKey, GenericSecret, "sign", "can: sign, verify"},
		{SecretKey, GenericSecret, "wrap", "usages of this key type: sign, derive"},
		{PublicKey, RSA, "", "can: nothing"},
		{PublicKey, RSA, "wrap", "can: wrap"},
		{PrivateKey, RSA, "wrap", "can: unwrap"},
		{PublicKey, RSA, "encrypt sign", "can: verify, encrypt"},
		{PrivateKey, RSA, "encrypt sign", "can: sign, decrypt"},
		{PrivateKey, RSA, "derive", `"rsa" cannot be used to derive`},
		{PrivateKey, EC, "sign derive", "can: sign, derive"},
		{PublicKey, EC, "sign derive", "can: verify"},
		{PublicKey, EC, "wrap", `"ec" cannot be used to wrap`},
		{PrivateKey, EC, "encrypt", `"ec" cannot be used to encrypt`},
		{PrivateKey, EC, "sgin", `did you mean "sign"?`},
	} {
		s := New(c.class, c.keyType)
		usages, err := ParseUsages(strings.Fields(c.usages))
		if err == nil {
			err = s.ApplyUsages(usages)
		}
		got := s.Can()
		var e *Error
		if errors.As(err, &e) {
			got = e.Text + "; " + e.Hint
		}
		if !strings.Contains(got, c.want) || err == nil && got != c.want {
			t.Errorf("%s, usage %q: %s", s.Describe(), c.usages, got)
		}
	}
}

// No usage may claim what the table lets nobody set.
func TestUsagesFollowTheTable(t *testing.T) {
	for _, row := range usageTable {
		if r := find(row.flag); row.on&^r.set != 0 {
			t.Errorf("usage %s sets %s on sorts %b that may not have it", row.usage, row.flag, row.on&^r.set)
		}
	}
}

func TestNearest(t *testing.T) {
	choices := []string{"sign", "verify", "wrap", "unwrap", "extractable", "wrap-with-trusted"}
	for word, want := range map[string]string{
		"sgin": "sign", "sing": "sign", "Sign": "sign", "verfy": "verify", "wrapp": "wrap",
		"extract": "extractable", "wrap-with": "wrap-with-trusted", "x": "", "": "", "label": "",
		strings.Repeat("s", 1000): "",
	} {
		if got := Nearest(word, choices); got != want {
			t.Errorf("%q: %q, not %q", word, got, want)
		}
	}
}
