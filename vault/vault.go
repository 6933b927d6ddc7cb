// Package vault keeps named opaque streams outside the program: in
// directories (package dir), in memory (package mem). It neither knows nor
// asks what a stream says.
//
// Words and invariants, which vaulttest checks for each kind of vault:
//
//   - A stream is written once. Its name gets a whole stream or nothing, and
//     no Put changes a stream that is already there; putting the same bytes
//     again is fine, so a put can always be repeated.
//   - When Put returns nil, the stream has been read back and compared, and is
//     as durable as the place can make it.
//   - A vault has an id. Every operation checks it first, because the usual
//     accident is an unmounted disk: an empty directory at the same path,
//     which would take a year of backups without a word.
package vault

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"time"
)

// Vault is one place for streams. Its methods are safe for use by several
// goroutines and, where the place allows it, several processes.
//
// Cancelling ctx ends an operation between two blocks with ctx's error. A
// system call that the kernel holds (a dead network mount) ends only when the
// kernel lets go, so who writes to several vaults gives each a goroutine.
type Vault interface {
	// ID returns the id the vault got when it was made.
	ID() string
	// Put stores all of r under name; sum is the SHA-256 that it has. If r fails
	// or ctx is done, nothing is there; after an error of the last step, making
	// the name durable, the whole stream can be, and the same Put again settles
	// it. ErrExists: the name has another content; ErrDiffers: what was read back
	// does not have that SHA-256; ErrName.
	Put(ctx context.Context, name string, r io.Reader, sum [sha256.Size]byte) error
	// Open returns the stream's bytes; the caller closes. Reads end with ctx's
	// error once ctx is done. ErrNotFound, ErrName.
	Open(ctx context.Context, name string) (io.ReadCloser, error)
	// List returns all streams in ascending byte order of their names.
	List(ctx context.Context) ([]Stream, error)
	// Remove deletes a stream. ErrNotFound, ErrName.
	Remove(ctx context.Context, name string) error
}

// Stream is one line of a List.
type Stream struct {
	Name    string
	Size    int64     // bytes
	ModTime time.Time // by the clock of the place, so only a hint
}

// NewID returns a fresh random id for a vault, 26 letters and digits.
func NewID() string { return rand.Text() }
