package hsmfile

import "errors"

// Kind says what sort of refusal an error is. Callers branch on it with
// errors.Is(err, hsmfile.ErrLocked) and the like, never on the text; the
// command line maps each kind to one exit code.
var (
	// ErrUsage: a value out of bounds (password length, user name, label …).
	ErrUsage = errors.New("invalid value")
	// ErrAuth: wrong user, password or second factor; they read the same.
	ErrAuth = errors.New("authentication failed")
	// ErrLocked: the account is locked; a CO unlocks it.
	ErrLocked = errors.New("account locked")
	// ErrState: the image (or backup) is in a state or of a version or mode
	// that this operation does not work in.
	ErrState = errors.New("wrong state")
	// ErrNotFound: no such key, user, backup, identity; or more than one.
	ErrNotFound = errors.New("not found")
	// ErrIntegrity: not an image, damaged, forged, of another HSM; a signature
	// or tag that does not verify.
	ErrIntegrity = errors.New("integrity")
	// ErrDenied: refused by role, attribute, policy or file permission.
	ErrDenied = errors.New("denied")
	// ErrBusy: the wait for the image's lock ran out.
	ErrBusy = errors.New("busy")
	// ErrLastAttempt: the attempt that would wipe or lock was not asked for.
	ErrLastAttempt = errors.New("last attempt")
	// ErrOlder: a restore would bring back what had been removed, or another
	// vault took a newer backup.
	ErrOlder = errors.New("older")
)

// Error is a refusal with words for people: what happened to which thing,
// and what to type next.
type Error struct {
	Kind error  // one of the Err… above; nil for anything else
	Text string // lower case, no full stop, names the file, user or key
	Hint string // a command or an action; may be empty
	Err  error  // the cause, if there is one below; shown after Text
}

// Error is Text and the cause.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Text
	}
	return e.Text + ": " + e.Err.Error()
}

// Unwrap gives the kind and the cause to errors.Is and errors.As.
func (e *Error) Unwrap() []error {
	var all []error
	if e.Kind != nil {
		all = append(all, e.Kind)
	}
	if e.Err != nil {
		all = append(all, e.Err)
	}
	return all
}

// HintOf is the first hint in err's tree, or "".
func HintOf(err error) string {
	var e *Error
	for errors.As(err, &e) {
		if e.Hint != "" {
			return e.Hint
		}
		if e.Err == nil {
			return ""
		}
		err = e.Err
	}
	return ""
}
