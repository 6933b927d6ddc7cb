package commands

import (
	"strings"

	"filehsm/hsmfile"
)

// lookers are the commands, or nouns of commands, that change nothing: neither
// the image nor anything beside it. All others do.
var lookers = []string{
	"status", "whoami", "demo", "completion", "man",
	"user list",
	"key list", "key generate-file", "key wrap",
	"crypto", "policy show", "audit",
	"backup list", "backup verify",
	"vault list", "image check", "config show",
}

func looksOnly(command string) bool {
	for _, l := range lookers {
		if command == l || strings.HasPrefix(command, l+" ") {
			return true
		}
	}
	return false
}

// unwritten is the error of a result that could not be written. Whoever hears
// of a failure repeats the line, so it is said where the change is made.
func (c *call) unwritten(r *Result, err error) error {
	command := strings.TrimPrefix(c.name(), program+" ")
	switch {
	case r.Same || looksOnly(command):
		return &hsmfile.Error{Text: "failed to write the result", Err: err}
	case command == "vault keygen": // of it the image knows nothing
		return &hsmfile.Error{Text: "the identity is made, only the result could not be written", Hint: "it is in " + c.Text("identity"), Err: err}
	}
	return &hsmfile.Error{Text: "the change is made, only its result could not be written",
		Hint: "look before you repeat it: " + c.line("audit log --last 5"), Err: err}
}
