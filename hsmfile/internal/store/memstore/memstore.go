// Package memstore is a store.Store in memory. It keeps every promise of the
// contract except durability, so tests use it where a file adds nothing.
//
// A revision is an immutable sorted slice of immutable values, also of those
// that Walk shows. View reads the newest one without a lock; a writer changes a
// copy and puts it in place when its closure has succeeded, so a failed or
// panicking Update leaves nothing behind.
package memstore

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"filehsm/hsmfile/internal/store"
)

// patience bounds the wait for another writer, so that a transaction begun
// inside a transaction ends a test with ErrBusy and not with a dead lock.
const patience = 10 * time.Second

// Store is one revision after another. Use New.
type Store struct {
	newest  atomic.Pointer[[]record]
	writing chan struct{} // holds one token while a writer is at work
}

var _ store.Store = (*Store)(nil)

// New returns an empty store.
func New() *Store {
	s := &Store{writing: make(chan struct{}, 1)}
	s.newest.Store(&[]record{})
	return s
}

// Filled returns a store with what fill puts, in ascending order of keys.
func Filled(fill func(put func(key string, value []byte) error) error) (*Store, error) {
	var records []record
	err := fill(func(key string, value []byte) error {
		if len(records) > 0 && key <= records[len(records)-1].key {
			return fmt.Errorf("failed to store a record: %q is not in order", key)
		}
		records = append(records, record{key, value})
		return checkBounds(key, value)
	})
	s := New()
	s.newest.Store(&records)
	return s, err
}

// View runs fn on the newest revision.
func (s *Store) View(ctx context.Context, fn func(store.Reader) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("failed to begin a transaction: %w", err)
	}
	return held{s}.View(ctx, fn)
}

// Update runs fn on a copy of the newest revision, which becomes the newest
// when fn returns nil.
func (s *Store) Update(ctx context.Context, fn func(store.Writer) error) error {
	return s.Hold(ctx, func(t store.Transactor) error { return t.Update(ctx, fn) })
}

// Hold runs fn while no other writer is at work.
func (s *Store) Hold(ctx context.Context, fn func(store.Transactor) error) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer func() { <-s.writing }()
	return fn(held{s})
}

// Scrub has nothing to do: what a revision dropped is the garbage collector's.
func (s *Store) Scrub(ctx context.Context) error {
	return s.Hold(ctx, func(store.Transactor) error { return nil })
}

func (s *Store) lock(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("failed to begin a transaction: %w", err)
	}
	select {
	case s.writing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("failed to begin a transaction: %w", ctx.Err())
	case <-time.After(patience):
		return fmt.Errorf("failed to begin a transaction within %s: %w", patience, store.ErrBusy)
	}
}

// held is the store in the hands of whoever has its lock.
type held struct{ s *Store }

func (h held) View(_ context.Context, fn func(store.Reader) error) error {
	t := &tx{records: *h.s.newest.Load()}
	defer t.end()
	return fn(t)
}

func (h held) Update(_ context.Context, fn func(store.Writer) error) error {
	t := &tx{records: slices.Clone(*h.s.newest.Load())}
	defer t.end()
	if err := fn(t); err != nil {
		return err
	}
	records := t.records
	h.s.newest.Store(&records)
	return nil
}
