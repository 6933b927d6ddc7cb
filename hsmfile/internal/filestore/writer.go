package filestore

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"filehsm/hsmfile/internal/store"
)

// writer keeps an Update's changes in memory until its closure has succeeded,
// and shows them over the revision that it began with. So a closure never runs
// while bbolt is in the middle of something, and one that changes nothing never
// touches the file.
type writer struct {
	*tree
	changes map[string]*change
	order   []*change // as they were made first, and those that were undone
}

// change is what becomes of one record.
type change struct {
	key    string
	value  []byte // nil: deleted
	undone bool   // what was put was deleted, and nothing is stored there
}

func newWriter(t *tree) *writer { return &writer{tree: t, changes: map[string]*change{}} }

func (w *writer) Put(key string, value []byte) error {
	switch {
	case w.over:
		return errOver
	case key == "" || len(key) > store.MaxKey:
		return fmt.Errorf("failed to store a record: invalid key of %d bytes", len(key))
	case len(value) == 0 || len(value) > store.MaxValue:
		return fmt.Errorf("failed to store a record: invalid value of %d bytes", len(value))
	}
	w.set(key, bytes.Clone(value))
	return nil
}

func (w *writer) set(key string, value []byte) {
	if c := w.changes[key]; c != nil {
		c.value = value
		return
	}
	c := &change{key: key, value: value}
	w.changes[key], w.order = c, append(w.order, c)
}

func (w *writer) Delete(key string) error {
	if w.over {
		return errOver
	}
	stored, _, err := w.find(key)
	if err != nil {
		return err
	}
	if stored != nil {
		w.set(key, nil)
	} else if c := w.changes[key]; c != nil {
		c.undone = true
		delete(w.changes, key)
	}
	return nil
}

func (w *writer) Get(key string) ([]byte, error) {
	if c := w.changes[key]; c != nil && !w.over {
		return bytes.Clone(c.value), nil
	}
	return w.tree.Get(key)
}

// pending returns the changes that concern a scan, in order, as they are when
// it begins: fn may write.
func (w *writer) pending(prefix, after string) []change {
	var all []change
	for _, c := range w.changes {
		if strings.HasPrefix(c.key, prefix) && (after == "" || c.key > after) {
			all = append(all, *c)
		}
	}
	slices.SortFunc(all, func(a, b change) int { return strings.Compare(a.key, b.key) })
	return all
}

// sorted returns all changes in order: the same ones give the same file. A
// restore puts a hundred thousand in order, which costs next to nothing then.
func (w *writer) sorted() []*change {
	all := slices.DeleteFunc(slices.Clone(w.order), func(c *change) bool { return c.undone })
	slices.SortFunc(all, func(a, b *change) int { return strings.Compare(a.key, b.key) })
	return all
}

// Scan merges the stored records with the changes. It shows the records as
// they were when it began.
func (w *writer) Scan(prefix, after string, fn func(key string, value []byte) error) error {
	rest := w.pending(prefix, after)
	stopped := false
	show := func(key string, value []byte) error {
		if value == nil {
			return nil
		}
		err := fn(key, value)
		stopped = errors.Is(err, store.ErrStop)
		return err
	}
	err := w.tree.Scan(prefix, after, func(key string, value []byte) error {
		for len(rest) > 0 && rest[0].key <= key {
			next := rest[0]
			rest = rest[1:]
			if next.key == key {
				value = bytes.Clone(next.value)
				break
			}
			if err := show(next.key, bytes.Clone(next.value)); err != nil {
				return err
			}
		}
		return show(key, value)
	})
	for err == nil && !stopped && len(rest) > 0 {
		err = show(rest[0].key, bytes.Clone(rest[0].value))
		rest = rest[1:]
	}
	if stopped {
		return nil
	}
	return err
}

// Walk is Scan: what a transaction has changed is not on any page.
func (w *writer) Walk(prefix, after string, fn func(key, value []byte) error) error {
	return w.Scan(prefix, after, func(key string, value []byte) error { return fn([]byte(key), value) })
}

func (w *writer) Last(prefix string) (string, []byte, error) {
	key, value, err := w.tree.Last(prefix)
	for err == nil && key != "" && w.deleted(key) {
		key, value, err = w.lastBelow(prefix, key)
	}
	if err != nil {
		return "", nil, err
	}
	for _, c := range w.changes {
		if c.value != nil && c.key >= key && strings.HasPrefix(c.key, prefix) {
			key, value = c.key, bytes.Clone(c.value)
		}
	}
	return key, value, nil
}

func (w *writer) deleted(key string) bool {
	c := w.changes[key]
	return c != nil && c.value == nil
}
