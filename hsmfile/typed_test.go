package hsmfile

import (
	"errors"
	"strings"
	"testing"

	"filehsm/hsmfile/secret"
)

// A new password that comes from a file must be one that can be typed as well.
func TestPasswordCanBeTyped(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"\ufeffalice in the house", "byte order mark"},
		{"alice in\ufeff the house", "byte order mark"},
		{"alice in\tthe house", "control character"},
		{"alice in the house\x01", "control character"},
		{"alice in the house\x7f", "control character"},
		{"alice in the house\u0085", "control character"},
		{"a\x00l\x00i\x00c\x00e\x00.\x00", "control character"},
		{"alice in\nthe house", "line break"},
		{"\xff\xfea\x00l\x00i\x00c\x00e\x00", "not valid UTF-8"},
		{"älice in the häuse", ""},
		{"می\u200cخواهم ها", ""}, // the joiner has a key of its own
		{"alice in the house \U0001f3e0", ""},
	} {
		err := ValidatePassword(CU, secret.New([]byte(c.text)))
		if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%q: %v", c.text, err)
		}
	}
}
