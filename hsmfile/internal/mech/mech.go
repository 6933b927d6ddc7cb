// Package mech is what is done with raw keys: making them, describing them,
// wrapping, signing. Raw keys are in this package and its callers in hsmfile,
// nowhere else.
//
// Material is what an image stores, sealed, for one key object:
//
//   - AES and generic secrets: the bytes themselves
//   - private keys: PKCS #8, DER
//   - public keys: SubjectPublicKeyInfo, DER
//
// What exists is in tables (mechanism.go, generate.go, importkey.go): a
// mechanism that is not a row is refused. Whether a user may use a key so is
// not decided here, but what to ask for is: Mechanism.Needs.
package mech

import "errors"

// Kinds of refusal; test with errors.Is.
var (
	// ErrUnsupported: no such mechanism, curve, size or hash function here.
	ErrUnsupported = errors.New("unsupported")
	// ErrBadInput: data of a wrong length or form, or a key that does not fit.
	ErrBadInput = errors.New("bad input")
	// ErrVerify: the signature is not one of this key over this data.
	ErrVerify = errors.New("signature verification failed")
	// ErrUnwrap: the wrapped data was altered, or wrapped with another key or
	// mechanism. Which of these is not known and not said.
	ErrUnwrap = errors.New("unwrapping failed")
)

// Error is a refusal with words for people.
type Error struct {
	Kind error  // one of the Err… above
	Text string // lower case, no full stop
	Hint string // may be empty
}

// Error is Text alone; the hint is shown on a line of its own.
func (e *Error) Error() string { return e.Text }

// Unwrap gives the kind to errors.Is.
func (e *Error) Unwrap() error { return e.Kind }
