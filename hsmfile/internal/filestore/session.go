package filestore

import (
	"context"
	"errors"
	"os"

	"filehsm/hsmfile/internal/store"
)

// session is a locked image: one transaction, or those of one Hold.
type session struct {
	of   *Store
	file *os.File

	is       status // of the file, before its meta pages were read
	known    bool   // that it is so still
	updating bool   // between the reading of an Update and its commit
}

var _ store.Transactor = (*session)(nil)

// close ends the session and with it the lock. It has no error to give: what was
// committed is on the disk, and nothing else was meant to be.
func (s *session) close() { _ = s.file.Close() }

func (s *session) metas(acceptPrevious bool) (newest, previous *meta, err error) {
	if !s.known {
		if s.is, err = statusOf(s.file); err != nil {
			return nil, nil, err
		}
		s.known = true
	}
	return readMetas(s.file, s.is.size, acceptPrevious)
}

func (s *session) tree() (*tree, error) {
	newest, before, err := s.metas(s.of.acceptPrevious)
	if err != nil {
		return nil, err
	}
	t := s.recall(newest)
	if t == nil {
		t, err = newTree(&handle{s.file}, newest, &s.of.spare)
	}
	if err == nil {
		t.before, t.unsure = before, s.of.unsure.Load()
	}
	return t, err
}

func (s *session) View(_ context.Context, fn func(store.Reader) error) error {
	t, err := s.tree()
	if err != nil {
		return err
	}
	defer s.remember(t)
	return fn(t)
}

func (s *session) Update(_ context.Context, fn func(store.Writer) error) error {
	if s.updating {
		return errors.New("an Update in an Update would be undone by it")
	}
	s.updating = true
	defer func() { s.updating = false }()
	t, err := s.tree()
	if err != nil {
		return err
	}
	w := newWriter(t)
	err = fn(w)
	changes := w.sorted()
	if err != nil || len(changes) == 0 {
		s.remember(t)
		return err
	}
	return s.commit(t, changes)
}

// commit makes changes to what a tree has read, which ends it. Of a commit that
// failed nothing stays at hand, of one that succeeded what is its own.
func (s *session) commit(t *tree, changes []change) error {
	defer t.drop()
	scratch := s.of.takeScratch()
	defer s.of.keepScratch(scratch)
	s.known = false
	next, err := commit(synced{s.file}, t, changes, scratch)
	s.of.unsure.Store(err != nil)
	if err == nil {
		s.rememberLaid(next)
	}
	return err
}
