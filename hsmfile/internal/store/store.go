// Package store is the contract between the HSM and the place its records
// lie in: ordered keys, opaque values, transactions.
//
// A store never sees a key in the clear: every value that needs it is sealed
// before Put. What a store promises, and storetest checks for each:
//
//   - View sees one revision; nothing that a writer does meanwhile shows.
//   - Update is all or nothing, and durable when it returns nil. Its closure
//     may run more than once (a store over a network retries after a
//     conflict), so it has no effect outside the transaction and makes
//     versions, nonces and signatures itself.
//   - Hold is several transactions in a row with no other process's between.
//   - Locks are held for one transaction (or one Hold), never longer.
package store

import (
	"context"
	"errors"
)

// Bounds of a record, in bytes. A store refuses to write past them and treats
// a stored record beyond them as damage.
const (
	MaxKey   = 256
	MaxValue = 1 << 20
)

// Errors that every store maps its own onto; test with errors.Is.
var (
	// ErrDamaged: the stored bytes are not a store, or not whole.
	ErrDamaged = errors.New("damaged")
	// ErrBusy: the bounded wait for the lock ran out.
	ErrBusy = errors.New("busy")
	// ErrPermission: others may read or write it, or we may not.
	ErrPermission = errors.New("permission")
	// ErrUnopened: it is there, and we may not open it; an ErrPermission, too.
	ErrUnopened = errors.New("unopened")
	// ErrNotExist: there is nothing at this place.
	ErrNotExist = errors.New("does not exist")
	// ErrExist: something is at this place already.
	ErrExist = errors.New("already exists")
	// ErrStop ends a Scan early without an error.
	ErrStop = errors.New("stop")
)

// Reader reads one revision. Values it returns are copies, the caller's own,
// but for those of Walk.
// After the end of its transaction it answers with errors.
type Reader interface {
	// Get returns the value under key, or nil if there is none. No stored
	// value is empty.
	Get(key string) ([]byte, error)
	// Scan calls fn for each record whose key starts with prefix and, if after
	// is not empty, is greater than after, in ascending byte order. It shows
	// the records as they were when it began: fn may write. An error from fn
	// ends it and comes back, except ErrStop.
	Scan(prefix, after string, fn func(key string, value []byte) error) error
	// Walk is Scan for a look at very many records: key and value are the
	// store's, valid until fn returns and not to be changed, and fn must not
	// write.
	Walk(prefix, after string, fn func(key, value []byte) error) error
	// Last returns the greatest key that starts with prefix, and its value;
	// "" and nil if there is none.
	Last(prefix string) (key string, value []byte, err error)
}

// Writer is a Reader that sees its own writes.
type Writer interface {
	Reader
	// Put stores a non-empty value under a non-empty key. The value is the
	// store's from then on: nobody changes it any more.
	Put(key string, value []byte) error
	// Delete removes a record; removing what is not there is no error.
	Delete(key string) error
}

// Transactor runs transactions. An error from fn undoes an Update and comes
// back wrapped or as it is.
type Transactor interface {
	View(ctx context.Context, fn func(Reader) error) error
	Update(ctx context.Context, fn func(Writer) error) error
}

// Store is one place with records.
type Store interface {
	Transactor
	// Hold runs fn with the lock held from its beginning to its end; the
	// transactions inside are committed one by one.
	Hold(ctx context.Context, fn func(Transactor) error) error
	// Scrub overwrites what deleted and replaced records left behind, as far
	// as the store can reach it. It is safe to repeat and safe to kill.
	Scrub(ctx context.Context) error
}
