package vault

import (
	"fmt"
	"strings"
)

// Names that a vault keeps for itself. They are no stream's, in any case of
// letters: USB sticks and macOS do not tell the cases apart.
const (
	IDFile      = "vault.id"
	RestoreFile = "RESTORE.txt"
)

// MaxName is the longest name, in bytes.
const MaxName = 128

// CheckName returns nil if name may be a stream's, else an ErrName: 1 to 128
// ASCII letters, digits, '-', '_' and '.', no dot in front, not IDFile or
// RestoreFile. So a name is one path element and one object key everywhere,
// needs no quoting, and cannot be one of the temporary files, whose names
// begin with a dot.
func CheckName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%w %q: empty", ErrName, name)
	case len(name) > MaxName:
		return fmt.Errorf("%w %q…: longer than %d bytes", ErrName, name[:MaxName], MaxName)
	case name[0] == '.':
		return fmt.Errorf("%w %q: begins with a dot", ErrName, name)
	case strings.EqualFold(name, IDFile), strings.EqualFold(name, RestoreFile):
		return fmt.Errorf("%w %q: reserved", ErrName, name)
	case strings.ContainsFunc(name, notInName):
		return fmt.Errorf("%w %q: only letters, digits, '-', '_' and '.'", ErrName, name)
	}
	return nil
}

func notInName(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return false
	}
	return r != '-' && r != '_' && r != '.'
}
