package hsmfile

import (
	"errors"
	"strings"
	"testing"
)

// TestValidatePassword: an officer's password; what is only a common one made
// longer is refused, and what merely has one in it is not.
func TestValidatePassword(t *testing.T) {
	for text, want := range map[string]string{
		"password1234": "commonest", "PassWord1234": "commonest", "correct-horse-battery-staple": "commonest",
		"password1111": "commonest", "password!!!!": "commonest", "passwordxxxx": "commonest", "letmein11111": "commonest",
		"xxxxpassword": "commonest", "!!password!!": "commonest", "--password??": "commonest", "ééééPassword": "commonest",
		"passwordpassword": "commonest", "passwordpassword11": "commonest", "sunshine世世世世": "commonest",
		"xxxxxxxxxxxx": "commonest", "éééééééééééé": "commonest", "世世世世世世世世世世世世": "commonest", "            ": "commonest",

		"password1212": "", "my password!": "", "passwordéè11": "", "sunshine and rain": "", "111password2222x": "",
		"correct officer words": "", "correct horse battery": "", "xxxxxxxxxxxy": "", "éééééééééééè": "", "ÃÃÃÃÃÃ©ÃÃÃÃÃ": "",
		"世界世界世界世界世界世界": "", strings.Repeat("ab", 64): "",

		"correct off": "at least 12 characters", strings.Repeat("ab", 64) + "a": "more than 128 characters",
		"correct\nofficer": "line break", "correct officer\xc3": "UTF-8", "\xa9\xa9\xa9\xa9\xa9\xa9\xa9\xa9\xa9\xa9\xa9\xa9": "UTF-8",
	} {
		err := ValidatePassword(CO, pw(text))
		if want == "" && err != nil || want != "" && (!errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
	for text, want := range map[string]bool{"alice pw": true, "alicepw": false, "sunshine": false, "baseball7": false, "bob's bat": true} {
		if err := ValidatePassword(CU, pw(text)); (err == nil) != want {
			t.Errorf("%q for a CU: %v", text, err)
		}
	}
}
