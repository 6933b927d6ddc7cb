package filestore

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"

	"filehsm/hsmfile/internal/store"

	"go.etcd.io/bbolt"
)

// session is a locked image: one transaction, or those of one Hold.
type session struct {
	file           *os.File
	acceptPrevious bool
	kept           *atomic.Pointer[revision]
	engine         *engine
	failed         error // set when bbolt can no longer be used, nor the lock be relied on
}

var _ store.Transactor = (*session)(nil)

// close ends the session and with it the lock. It has no error to give: what was
// committed is on the disk, and nothing else was meant to be.
func (s *session) close() {
	if s.engine != nil {
		_ = contained(s.engine.close)
	}
	_ = s.file.Close()
}

func (s *session) tree() (*tree, error) {
	if s.failed != nil {
		return nil, s.failed
	}
	newest, _, err := readMetas(s.file, s.acceptPrevious)
	if err != nil {
		return nil, err
	}
	if t := s.take(newest); t != nil {
		return t, nil
	}
	return openTree(&handle{s.file}, newest)
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
	if err := fn(w); err != nil || len(w.changes) == 0 {
		s.keep(t)
		return err
	}
	return s.commit(t, w.keys(), w.deleted, w.apply)
}

// apply makes bbolt do what the writer has gathered.
func (w *writer) apply(tx *bbolt.Tx) error {
	b := tx.Bucket([]byte(bucketName))
	for _, key := range w.keys() {
		var err error
		if value := w.changes[key]; value == nil {
			err = b.Delete([]byte(key))
		} else {
			err = b.Put([]byte(key), value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// commit checks what bbolt will read to change the keys and then lets it.
func (s *session) commit(t *tree, keys []string, deletes func(key string) bool, change func(tx *bbolt.Tx) error) error {
	g, err := newGuard(t)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := g.path(key, deletes(key)); err != nil {
			return err
		}
	}
	return s.write(change)
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
	err = fmt.Errorf("failed to write the image: %w", err)
	if !s.engine.usable() {
		s.failed = err
	}
	return err
}
