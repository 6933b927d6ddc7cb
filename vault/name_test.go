package vault_test

import (
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"filehsm/vault"
	"filehsm/vault/vaulttest"
)

func TestCheckName(t *testing.T) {
	for _, name := range vaulttest.BadNames {
		if err := vault.CheckName(name); !errors.Is(err, vault.ErrName) {
			t.Errorf("CheckName(%q) = %v, want ErrName", name, err)
		}
	}
	for _, name := range []string{"a", "A-1_2.age", "-", "_", "a.", "vault.id2", strings.Repeat("n", 128)} {
		if err := vault.CheckName(name); err != nil {
			t.Errorf("CheckName(%q) = %v", name, err)
		}
	}
	if err := vault.CheckName(vault.NewID()); err != nil {
		t.Errorf("a new id breaks the rule: %v", err)
	}
}

// A name that passes is the rule's regular expression, one path element, and
// none of the vault's own files; any other is ErrName.
func FuzzCheckName(f *testing.F) {
	for _, name := range append(vaulttest.BadNames, "a", "A-1_2.age") {
		f.Add(name)
	}
	rule := regexp.MustCompile(`\A[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}\z`)
	reserved := regexp.MustCompile(`(?i)\A(vault\.id|restore\.txt)\z`)
	f.Fuzz(func(t *testing.T, name string) {
		err := vault.CheckName(name)
		good := rule.MatchString(name) && !reserved.MatchString(name)
		switch {
		case good != (err == nil):
			t.Fatalf("CheckName(%q) = %v", name, err)
		case err != nil && !errors.Is(err, vault.ErrName):
			t.Fatalf("CheckName(%q) has an untyped error %v", name, err)
		case err == nil && (filepath.Base(name) != name || !filepath.IsLocal(name)):
			t.Fatalf("%q is not one path element", name)
		}
	})
}
