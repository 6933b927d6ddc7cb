package commands

import (
	"slices"
	"strings"
	"testing"
)

// A new command is one that changes something, until it is thought over.
func TestLookers(t *testing.T) {
	var changers []string
	seen := map[string]bool{}
	tree().walk(func(path []string, _ *leaf) {
		command := strings.Join(path, " ")
		for i := range path {
			seen[strings.Join(path[:i+1], " ")] = true
		}
		if !looksOnly(command) {
			changers = append(changers, command)
		}
	})
	for _, l := range lookers {
		if !seen[l] {
			t.Errorf("there is no command %q", l)
		}
	}
	want := []string{
		"activate", "backup create", "backup restore", "create",
		"key delete", "key generate-asymmetric-pair ec", "key generate-asymmetric-pair rsa",
		"key generate-symmetric aes", "key generate-symmetric generic-secret",
		"key set-attribute", "key share", "key unshare", "key unwrap aes-no-pad", "key unwrap aes-zero-pad",
		"login", "logout", "policy set",
		"user change-password", "user create", "user delete", "user unlock",
		"vault add", "vault keygen", "vault remove", "zeroize",
	}
	slices.Sort(changers)
	if !slices.Equal(changers, want) {
		t.Errorf("these change something: %q", changers)
	}
}
