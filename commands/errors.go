package commands

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"filehsm/hsmfile"
)

// Kinds of refusal that only the command line knows; the others are hsmfile's.
var (
	errUsage    = errors.New("usage")
	errPartial  = errors.New("not every vault")
	errNoSource = errors.New("no password source")
)

// An exit is one row of the table that scripts rely on. The help prints it.
type exit struct {
	code    int
	meaning string
	kinds   []error
}

// exits is the one table of exit codes; they are never changed, only added to.
// 12 (too old) and 13 (a quorum's approval is needed) are kept for commands
// that do not exist yet.
var exits = []exit{
	{0, "done", nil},
	{1, "anything else; a full or failing disk", []error{syscall.ENOSPC, context.Canceled}},
	{2, "usage; a value out of bounds; --accept-older missing",
		[]error{errUsage, hsmfile.ErrUsage, hsmfile.ErrOlder}},
	{3, "wrong user or password (also the one that wipes; it says so)", []error{hsmfile.ErrAuth}},
	{4, "account locked", []error{hsmfile.ErrLocked}},
	{5, "wrong state, version or mode of the image or backup", []error{hsmfile.ErrState}},
	{6, "not found or ambiguous; vault not mounted; identity opens nothing",
		[]error{hsmfile.ErrNotFound, fs.ErrNotExist}},
	{7, "integrity: damaged, tampered, forged, of another HSM; a signature that does not verify", []error{hsmfile.ErrIntegrity}},
	{8, "denied by role, attribute, policy or file permission",
		[]error{hsmfile.ErrDenied, fs.ErrPermission}},
	{9, "image busy: the wait for its lock ran out", []error{hsmfile.ErrBusy}},
	{10, "not every vault took the backup", []error{errPartial}},
	{11, "no usable password source; nothing was counted", []error{errNoSource}},
	{14, "last attempt refused; --last-attempt goes on", []error{hsmfile.ErrLastAttempt}},
}

// exitCode is the code of the outermost kind in err's tree: whoever wrapped an
// error in a kind knew better what the refusal is about than the cause does.
func exitCode(err error) int {
	if err == nil {
		return 0
	}
	if code, ok := kindCode(err); ok {
		return code
	}
	return 1
}

func kindCode(err error) (int, bool) {
	for _, e := range exits {
		for _, k := range e.kinds {
			if isKind(err, k) {
				return e.code, true
			}
		}
	}
	switch wrapped := err.(type) {
	case interface{ Unwrap() error }:
		if below := wrapped.Unwrap(); below != nil {
			return kindCode(below)
		}
	case interface{ Unwrap() []error }:
		for _, below := range wrapped.Unwrap() {
			if code, ok := kindCode(below); ok {
				return code, true
			}
		}
	}
	return 0, false
}

// isKind compares err alone, without what it wraps. A system call's error
// number says of itself which of the general errors it is.
func isKind(err, kind error) bool {
	if err == kind {
		return true
	}
	number, ok := err.(syscall.Errno)
	return ok && number.Is(kind)
}

// usageError refuses a line or a value; the hint says what to type instead.
func usageError(hint, format string, args ...any) error {
	return &hsmfile.Error{Kind: errUsage, Text: fmt.Sprintf(format, args...), Hint: hint}
}

// partialError says that not every vault took a backup. Return it together
// with a Result whose data names the vaults.
func partialError(hint, format string, args ...any) error {
	return &hsmfile.Error{Kind: errPartial, Text: fmt.Sprintf(format, args...), Hint: hint}
}

// sourceError says that a password could not be had, so none was offered and
// nothing was counted. The cause is told in its words only: a password file
// that is missing is exit 11 whatever the system's error was.
func sourceError(hint, format string, args ...any) error {
	return &hsmfile.Error{Kind: errNoSource, Text: fmt.Errorf(format, args...).Error(), Hint: hint}
}
