package vault

import "errors"

// Errors that every vault maps its own onto; test with errors.Is. An error of
// the operating system stays in the chain beside them.
var (
	// ErrNotMounted: the directory does not exist, is empty or has no id file.
	ErrNotMounted = errors.New("vault not mounted")
	// ErrOtherVault: the directory has another id than the expected one.
	ErrOtherVault = errors.New("another vault")
	// ErrNotEmpty: the directory to be made a vault holds something else.
	ErrNotEmpty = errors.New("directory not empty")
	// ErrNotFound: there is no stream of this name.
	ErrNotFound = errors.New("no such stream")
	// ErrExists: the name belongs to a stream with another content.
	ErrExists = errors.New("name taken by another stream")
	// ErrDiffers: what was read back is not what was to be written.
	ErrDiffers = errors.New("read back differs from what was to be written")
	// ErrName: the name (or id) breaks the rule of CheckName.
	ErrName = errors.New("invalid name")
	// ErrMalformed: something in the vault is not as we write it: an id file
	// with another text, no regular file in the place of one.
	ErrMalformed = errors.New("malformed vault")
)
