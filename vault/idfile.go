package vault

import (
	"fmt"
	"strings"
)

// The id file is two lines, each ended by one line feed, and nothing else:
//
//	filehsm vault 1
//	ID
//
// The first is the format's version; ID follows the rule for names. A vault
// whose id file says anything else is not touched: it may be a later version's.
const idHeader = "filehsm vault 1\n"

// MaxIDFile is the length in bytes of the longest id file; a reader needs to
// take in no more than one byte beyond.
const MaxIDFile = len(idHeader) + MaxName + 1

// FormatID returns the id file for id, or ErrName.
func FormatID(id string) ([]byte, error) {
	if err := CheckName(id); err != nil {
		return nil, fmt.Errorf("failed to write vault id: %w", err)
	}
	return []byte(idHeader + id + "\n"), nil
}

// ParseID returns the id in an id file. It accepts exactly what FormatID
// makes; anything else is ErrMalformed.
func ParseID(file []byte) (string, error) {
	if len(file) > MaxIDFile {
		return "", fmt.Errorf("%w: id file longer than %d bytes", ErrMalformed, MaxIDFile)
	}
	rest, ok := strings.CutPrefix(string(file), idHeader)
	if !ok {
		return "", fmt.Errorf("%w: id file does not begin with %q", ErrMalformed, idHeader)
	}
	id, ok := strings.CutSuffix(rest, "\n")
	if !ok {
		return "", fmt.Errorf("%w: id file does not end with a line feed", ErrMalformed)
	}
	if err := CheckName(id); err != nil {
		return "", fmt.Errorf("%w: id file: %w", ErrMalformed, err)
	}
	return id, nil
}
