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
	changes []change
	places  map[string]int // of changes by key; nil as long as these are in order
}

// change is what becomes of one record.
type change struct {
	key    string
	value  []byte // nil: deleted
	undone bool   // what was put was deleted, and nothing is stored there
}

func newWriter(t *tree) *writer { return &writer{tree: t} }

// place returns where the change of a key is.
func (w *writer) place(key string) (int, bool) {
	if w.places != nil {
		i, ok := w.places[key]
		return i, ok
	}
	if n := len(w.changes); n > 0 && key > w.changes[n-1].key {
		return n, false
	}
	return slices.BinarySearchFunc(w.changes, key, func(c change, key string) int { return strings.Compare(c.key, key) })
}

// set makes or replaces a change. A restore puts a hundred thousand keys in
// order: there is no map to be filled as long as they are.
func (w *writer) set(c change) {
	i, ok := w.place(c.key)
	if ok {
		w.changes[i] = c
		return
	}
	if w.places == nil && i < len(w.changes) {
		w.places = map[string]int{}
		for i, c := range w.changes {
			w.places[c.key] = i
		}
	}
	if w.places != nil {
		w.places[c.key] = len(w.changes)
	}
	w.changes = append(w.changes, c)
}

// changed returns the change of a key, nil if there is none.
func (w *writer) changed(key string) *change {
	if i, ok := w.place(key); ok && !w.changes[i].undone {
		return &w.changes[i]
	}
	return nil
}

func (w *writer) Put(key string, value []byte) error {
	switch {
	case w.over:
		return errOver
	case key == "" || len(key) > store.MaxKey:
		return fmt.Errorf("failed to store a record: invalid key of %d bytes", len(key))
	case len(value) == 0 || len(value) > store.MaxValue:
		return fmt.Errorf("failed to store a record: invalid value of %d bytes", len(value))
	}
	w.set(change{key: key, value: bytes.Clone(value)})
	return nil
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
		w.set(change{key: key})
	} else if c := w.changed(key); c != nil {
		*c = change{key: key, undone: true}
	}
	return nil
}

func (w *writer) Get(key string) ([]byte, error) {
	if c := w.changed(key); c != nil && !w.over {
		return bytes.Clone(c.value), nil
	}
	return w.tree.Get(key)
}

// pending returns the changes that concern a scan, in order, as they are when
// it begins: fn may write.
func (w *writer) pending(prefix, after string) []change {
	all := w.sorted()
	return slices.DeleteFunc(all, func(c change) bool {
		return !strings.HasPrefix(c.key, prefix) || after != "" && c.key <= after
	})
}

// sorted returns all changes in order: the same ones give the same file.
func (w *writer) sorted() []change {
	all := slices.DeleteFunc(slices.Clone(w.changes), func(c change) bool { return c.undone })
	if w.places != nil {
		slices.SortFunc(all, func(a, b change) int { return strings.Compare(a.key, b.key) })
	}
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
	c := w.changed(key)
	return c != nil && c.value == nil
}
