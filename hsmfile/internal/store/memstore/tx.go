package memstore

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"filehsm/hsmfile/internal/store"
)

// record is one key and its value. A stored value is never changed, so
// revisions share them.
type record struct {
	key   string
	value []byte
}

var errOver = errors.New("transaction is over")

// tx is one transaction on a sorted slice that nobody else writes.
type tx struct {
	records []record
	over    bool
}

func (t *tx) end() { t.over = true }

// find returns the place of key, or where it would go.
func (t *tx) find(key string) (int, bool) {
	return slices.BinarySearchFunc(t.records, key, func(r record, key string) int {
		return strings.Compare(r.key, key)
	})
}

func (t *tx) Get(key string) ([]byte, error) {
	if t.over {
		return nil, errOver
	}
	i, found := t.find(key)
	if !found {
		return nil, nil
	}
	return bytes.Clone(t.records[i].value), nil
}

// Scan walks the records as they were when it began: fn may write.
func (t *tx) Scan(prefix, after string, fn func(key string, value []byte) error) error {
	if t.over {
		return errOver
	}
	for _, r := range slices.Clone(t.matching(prefix, after)) {
		if err := fn(r.key, bytes.Clone(r.value)); errors.Is(err, store.ErrStop) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// Walk is Scan without the copies.
func (t *tx) Walk(prefix, after string, fn func(key, value []byte) error) error {
	if t.over {
		return errOver
	}
	var key []byte
	for _, r := range t.matching(prefix, after) {
		key = append(key[:0], r.key...)
		if err := fn(key, r.value); errors.Is(err, store.ErrStop) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) matching(prefix, after string) []record {
	i, found := t.find(max(prefix, after))
	if found && after >= prefix && after != "" {
		i++
	}
	rest := t.records[i:]
	n := sort.Search(len(rest), func(i int) bool { return !strings.HasPrefix(rest[i].key, prefix) })
	return rest[:n]
}

func (t *tx) Last(prefix string) (string, []byte, error) {
	if t.over {
		return "", nil, errOver
	}
	all := t.matching(prefix, "")
	if len(all) == 0 {
		return "", nil, nil
	}
	last := all[len(all)-1]
	return last.key, bytes.Clone(last.value), nil
}

func (t *tx) Put(key string, value []byte) error {
	if t.over {
		return errOver
	}
	if err := checkBounds(key, value); err != nil {
		return err
	}
	r := record{key, value}
	if i, found := t.find(key); found {
		t.records[i] = r
	} else {
		t.records = slices.Insert(t.records, i, r)
	}
	return nil
}

func checkBounds(key string, value []byte) error {
	switch {
	case key == "" || len(key) > store.MaxKey:
		return fmt.Errorf("failed to store a record: invalid key of %d bytes", len(key))
	case len(value) == 0 || len(value) > store.MaxValue:
		return fmt.Errorf("failed to store a record: invalid value of %d bytes", len(value))
	}
	return nil
}

func (t *tx) Delete(key string) error {
	if t.over {
		return errOver
	}
	if i, found := t.find(key); found {
		t.records = slices.Delete(t.records, i, i+1)
	}
	return nil
}
