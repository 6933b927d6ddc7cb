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
// and shows them over the revision that it began with. So one that changes
// nothing never touches the file.
//
// A restore puts a hundred thousand keys in order and a few more out of it:
// what comes in order costs an element of a slice and no more.
type writer struct {
	*tree
	run    []change          // ascending by key
	strays map[string]change // below the end of the run, and not in it
}

// change is what becomes of one record.
type change struct {
	key    string
	value  []byte // nil: deleted
	undone bool   // what was put was deleted, and nothing is stored there
}

func newWriter(t *tree) *writer { return &writer{tree: t, strays: map[string]change{}} }

// place returns where in the run a key is, or would be.
func (w *writer) place(key string) (int, bool) {
	if n := len(w.run); n == 0 || key > w.run[n-1].key {
		return n, false
	}
	return slices.BinarySearchFunc(w.run, key, func(c change, key string) int { return strings.Compare(c.key, key) })
}

// set makes or replaces a change.
func (w *writer) set(c change) {
	switch i, ok := w.place(c.key); {
	case ok:
		w.run[i] = c
	case i == len(w.run):
		w.run = append(w.run, c)
	default:
		w.strays[c.key] = c
	}
}

// changed returns the change of a key that counts, if there is one.
func (w *writer) changed(key string) (c change, ok bool) {
	if i, found := w.place(key); found {
		c, ok = w.run[i], true
	} else {
		c, ok = w.strays[key]
	}
	return c, ok && !c.undone
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
	w.set(change{key: key, value: value})
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
	} else if _, ok := w.changed(key); ok {
		w.set(change{key: key, undone: true})
	}
	return nil
}

func (w *writer) Get(key string) ([]byte, error) {
	if c, ok := w.changed(key); ok && !w.over {
		return bytes.Clone(c.value), nil
	}
	return w.tree.Get(key)
}

// pending returns the changes that concern a scan, in order, as they are when
// it begins: fn may write.
func (w *writer) pending(prefix, after string) []change {
	concerns := func(c change) bool { return strings.HasPrefix(c.key, prefix) && (after == "" || c.key > after) }
	i, _ := w.place(max(prefix, after))
	var of []change
	for ; i < len(w.run) && strings.HasPrefix(w.run[i].key, prefix); i++ {
		if concerns(w.run[i]) {
			of = append(of, w.run[i])
		}
	}
	return merged(of, w.strays, concerns)
}

// sorted returns all changes in order: the same ones give the same file.
func (w *writer) sorted() []change {
	all := merged(w.run, w.strays, func(change) bool { return true })
	undone := func(c change) bool { return c.undone }
	if slices.ContainsFunc(all, undone) {
		all = slices.DeleteFunc(slices.Clone(all), undone)
	}
	return all
}

// merged is a run with strays in their places.
func merged(run []change, strays map[string]change, which func(change) bool) []change {
	var more []change
	for _, c := range strays {
		if which(c) {
			more = append(more, c)
		}
	}
	if len(more) == 0 {
		return run
	}
	slices.SortFunc(more, func(a, b change) int { return strings.Compare(a.key, b.key) })
	all := make([]change, 0, len(run)+len(more))
	for _, c := range more {
		i, _ := slices.BinarySearchFunc(run, c.key, func(c change, key string) int { return strings.Compare(c.key, key) })
		all = append(append(all, run[:i]...), c)
		run = run[i:]
	}
	return append(all, run...)
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
	for _, c := range w.pending(prefix, "") {
		if c.value != nil && c.key >= key {
			key, value = c.key, bytes.Clone(c.value)
		}
	}
	return key, value, nil
}

func (w *writer) deleted(key string) bool {
	c, ok := w.changed(key)
	return ok && c.value == nil
}
