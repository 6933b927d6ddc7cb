package commands

import (
	"errors"
	"fmt"

	"filehsm/hsmfile"
)

// refusal is an error of a kind of hsmfile's that a command finds itself.
func refusal(kind error, hint, format string, args ...any) error {
	return &hsmfile.Error{Kind: kind, Text: fmt.Sprintf(format, args...), Hint: hint}
}

// about puts the name of a thing before an error and keeps its kind; the
// error's own hint wins over this one.
func about(name, hint string, err error) error {
	if below := hsmfile.HintOf(err); below != "" {
		hint = below
	}
	return &hsmfile.Error{Text: name, Hint: hint, Err: err}
}

// missing says whether err is that of an image that is not there.
func missing(err error) bool { return errors.Is(err, hsmfile.ErrNotFound) }
