package filestore

import (
	"fmt"

	"filehsm/hsmfile/internal/store"
)

// Where a transaction has many changes and few records are stored, all pages are
// laid anew (lay.go) rather than the changes put into bbolt's tree one by one.
// That is a restore: nothing else has so many that to count the stored ones
// first is no loss.
const (
	manyChanges  = 10_000
	storedToThem = 4 // so many stored records for each change are few: to write them takes less than to put it
)

// together commits changes in that way, if they are of that kind. Like bbolt
// it (1) writes to places that the newest meta page does not know as used, (2)
// syncs, (3) writes over the older meta page: THE COMMIT POINT, (4) syncs.
func (s *session) together(t *tree, changes []change) (done bool, err error) {
	if len(changes) < manyChanges {
		return false, nil
	}
	// First the pages: where none is used twice, no more can be read than the
	// file has.
	used, err := s.usedPages(t.meta, (*tree).load)
	if err != nil {
		return false, err
	}
	stored, few, err := t.atMost(storedToThem * len(changes))
	if err != nil || !few {
		return false, err
	}
	s.retire()
	if err := layAnew(newLayer(s.file, used), changed(stored, changes), t.meta.txid+1); err != nil {
		return true, fmt.Errorf("failed to write the image: %w", err)
	}
	return true, nil
}

func layAnew(l *layer, records []change, txid uint64) error {
	m, err := l.image(records)
	if err == nil {
		err = l.file.Sync()
	}
	if err != nil {
		return err
	}
	m.txid = txid
	if err := m.write(l.file); err != nil {
		return err
	}
	return l.file.Sync()
}

// retire puts bbolt aside, which has read a list of free pages that is not right
// any more. It is closed with the session: that unlocks.
func (s *session) retire() {
	if s.engine != nil {
		s.retired = append(s.retired, s.engine)
		s.engine = nil
	}
}

// atMost returns all records, unless there are more.
func (t *tree) atMost(n int) (all []change, few bool, err error) {
	few = true
	err = t.Scan("", "", func(key string, value []byte) error {
		if len(all) == n {
			few = false
			return store.ErrStop
		}
		all = append(all, change{key: key, value: value})
		return nil
	})
	return all, few, err
}

// changed are the records that there will be; both are in order.
func changed(stored, changes []change) []change {
	all := make([]change, 0, len(stored)+len(changes))
	for _, c := range changes {
		for len(stored) > 0 && stored[0].key < c.key {
			all, stored = append(all, stored[0]), stored[1:]
		}
		if len(stored) > 0 && stored[0].key == c.key {
			stored = stored[1:]
		}
		if c.value != nil {
			all = append(all, c)
		}
	}
	return append(all, stored...)
}
