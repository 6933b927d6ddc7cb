package vault_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"filehsm/vault"
)

func TestIDFile(t *testing.T) {
	const want = "filehsm vault 1\nAB-12\n"
	file, err := vault.FormatID("AB-12")
	if err != nil || string(file) != want {
		t.Fatalf("FormatID = %q, %v, want %q", file, err, want)
	}
	if id, err := vault.ParseID(file); err != nil || id != "AB-12" {
		t.Fatalf("ParseID = %q, %v", id, err)
	}
	if _, err := vault.FormatID("two\nlines"); !errors.Is(err, vault.ErrName) {
		t.Errorf("FormatID of two lines: %v, want ErrName", err)
	}
}

func TestParseIDMalformed(t *testing.T) {
	for _, text := range []string{
		"", "\n", "AB-12\n", "filehsm vault 1", "filehsm vault 1\n", "filehsm vault 1\n\n",
		"filehsm vault 1\nAB-12", "filehsm vault 1\r\nAB-12\r\n", "filehsm vault 1\nAB-12\n\n",
		"filehsm vault 1\n AB-12\n", "filehsm vault 1\nAB-12 \n", "filehsm vault 2\nAB-12\n",
		"\ufefffilehsm vault 1\nAB-12\n", "filehsm vault 1\nAB\x0012\n",
		"filehsm vault 1\n" + strings.Repeat("n", vault.MaxName+1) + "\n",
		"filehsm vault 1\n" + strings.Repeat("n", 1<<20),
	} {
		if id, err := vault.ParseID([]byte(text)); !errors.Is(err, vault.ErrMalformed) {
			t.Errorf("ParseID(%.40q) = %q, %v, want ErrMalformed", text, id, err)
		}
	}
}

func FuzzParseID(f *testing.F) {
	for _, text := range []string{"", "filehsm vault 1\nAB-12\n", "filehsm vault 1\r\nAB-12\r\n", "filehsm vault 2\nx\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		id, err := vault.ParseID(file)
		if err != nil {
			if !errors.Is(err, vault.ErrMalformed) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		again, err := vault.FormatID(id)
		if err != nil || !bytes.Equal(again, file) {
			t.Fatalf("%q was parsed but is encoded as %q, %v", file, again, err)
		}
	})
}
