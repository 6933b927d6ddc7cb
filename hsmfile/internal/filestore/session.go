package filestore

import (
	"context"
	"fmt"
	"os"

	"filehsm/hsmfile/internal/store"

	"go.etcd.io/bbolt"
)

// session is a locked image: one transaction, or those of one Hold.
type session struct {
	of       *Store
	file     *os.File
	info     os.FileInfo // which file it is
	previous *meta       // of the transaction going on; nil if damaged
	engine   *engine
	retired  []*engine // not to be used again, but their end unlocks
	failed   error     // set when bbolt can no longer be used, nor the lock be relied on
}

var _ store.Transactor = (*session)(nil)

// close ends the session and with it the lock. It has no error to give: what was
// committed is on the disk, and nothing else was meant to be.
func (s *session) close() {
	if s.engine != nil && !s.layDown(s.engine) {
		s.engine.discard()
	}
	for _, e := range s.retired {
		e.discard()
	}
	_ = s.file.Close()
}

func (s *session) tree() (*tree, error) {
	if s.failed != nil {
		return nil, s.failed
	}
	newest, previous, err := readMetas(s.file, s.of.acceptPrevious)
	if err != nil {
		return nil, err
	}
	s.previous = previous
	if t := s.take(newest); t != nil {
		return t, nil
	}
	return newTree(&handle{s.file}, newest, &s.of.spare)
}

func (s *session) View(_ context.Context, fn func(store.Reader) error) error {
	t, err := s.tree()
	if err != nil {
		return err
	}
	defer s.keep(t)
	return fn(t)
}

func (s *session) Update(_ context.Context, fn func(store.Writer) error) error {
	t, err := s.tree()
	if err != nil {
		return err
	}
	defer t.end()
	w := newWriter(t)
	err = fn(w)
	changes := w.sorted()
	if err != nil || len(changes) == 0 {
		s.keep(t)
		return err
	}
	defer t.drop()
	return s.commit(t, changes)
}

// commit checks what bbolt will read to make the changes and then lets it, or
// lays all pages anew (together.go).
func (s *session) commit(t *tree, changes []change) error {
	if t.remembered { // bbolt follows the pages that are there now
		var err error
		if t, err = newTree(t.file, t.meta, &s.of.spare); err != nil {
			return err
		}
		defer t.drop()
	}
	if done, err := s.together(t, changes); done || err != nil {
		return err
	}
	g, err := newGuard(t)
	if err == nil {
		err = g.paths(changes)
	}
	if err != nil {
		return err
	}
	if s.engine == nil && s.previous != nil {
		s.engine = s.wake(&standing{*t.meta, *s.previous, g.free})
	}
	return s.write(func(tx *bbolt.Tx) error {
		return apply(tx.Bucket([]byte(bucketName)), changes)
	})
}

// apply makes bbolt do what a writer has gathered.
func apply(b *bbolt.Bucket, changes []change) error {
	for _, c := range changes {
		var err error
		if c.value == nil {
			err = b.Delete([]byte(c.key))
		} else {
			err = b.Put([]byte(c.key), c.value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// write runs a bbolt transaction.
func (s *session) write(change func(tx *bbolt.Tx) error) error {
	err := contained(func() error {
		if s.engine == nil {
			s.engine = &engine{}
			if err := s.engine.open(s.file); err != nil {
				return err
			}
		}
		return s.engine.update(change)
	})
	if err == nil {
		return nil
	}
	s.engine.failed = true
	err = fmt.Errorf("failed to write the image: %w", err)
	if !s.engine.usable() {
		s.failed = err
	}
	return err
}
