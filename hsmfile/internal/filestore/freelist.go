package filestore

import (
	"io"
	"slices"
)

// manyFree in the place of a number of free pages says that they are that many
// or more, and their number the first element.
const manyFree = 0xFFFF

// freelist is the list of free pages.
type freelist struct {
	ids  []uint64 // ascending
	span uint64   // how many pages the list takes
}

// readFreelist reads the list of a revision. A wrong id on it would have live
// records written over: what can be seen of the list alone is checked here, and
// that no page which a change replaces is on it where that is done (rewrite.go).
func readFreelist(file io.ReaderAt, m *meta) (*freelist, error) {
	head := make([]byte, pageSize)
	start := int64(m.freelist) * pageSize
	if err := readAt(file, head, start); err != nil {
		return nil, err
	}
	count, table := uint64(order.Uint16(head[10:])), head[headerSize:]
	list := &freelist{span: uint64(order.Uint32(head[12:])) + 1}
	if count == manyFree {
		count, table = order.Uint64(table), table[8:]
	}
	switch {
	case order.Uint64(head) != m.freelist || order.Uint16(head[8:]) != freelistFlag:
		return nil, damaged("page %d is not the list of free pages", m.freelist)
	case m.freelist+list.span > m.pages:
		return nil, damaged("the list of free pages runs out of the file")
	case count > (list.span*pageSize-uint64(pageSize-len(table)))/8:
		return nil, damaged("the list of free pages has %d entries in %d pages", count, list.span)
	}
	err := list.decode(table[:8*min(count, uint64(len(table)/8))], m)
	for at := start + pageSize; err == nil && uint64(len(list.ids)) < count; {
		part := make([]byte, min(listStep, 8*(count-uint64(len(list.ids)))))
		if err = readAt(file, part, at); err == nil {
			err = list.decode(part, m)
		}
		at += int64(len(part))
	}
	return list, err
}

// listStep is how many bytes of a list are read at once, and checked before there
// is room for more: what a file of holes says is on it need not fit our memory.
const listStep = 16 * pageSize

// decode appends ids.
func (f *freelist) decode(b []byte, m *meta) error {
	f.ids = slices.Grow(f.ids, len(b)/8)
	for ; len(b) > 0; b = b[8:] {
		id := order.Uint64(b)
		own := id >= m.freelist && id < m.freelist+f.span
		if !m.holds(id) || own || len(f.ids) > 0 && f.ids[len(f.ids)-1] >= id {
			return damaged("the list of free pages is not in order at page %d", id)
		}
		f.ids = append(f.ids, id)
	}
	return nil
}

// without is an ascending list without what is on another.
func without(ids, others []uint64) []uint64 {
	if len(others) == 0 {
		return ids
	}
	rest := make([]uint64, 0, len(ids))
	for _, id := range ids {
		for len(others) > 0 && others[0] < id {
			others = others[1:]
		}
		if len(others) == 0 || others[0] != id {
			rest = append(rest, id)
		}
	}
	return rest
}

// union is two ascending lists as one.
func union(a, b []uint64) []uint64 {
	all := make([]uint64, 0, len(a)+len(b))
	for _, id := range a {
		for len(b) > 0 && b[0] < id {
			all, b = append(all, b[0]), b[1:]
		}
		all = append(all, id)
	}
	return append(all, b...)
}

// has says whether one of the pages is on the list.
func (f *freelist) has(id, span uint64) bool {
	i, _ := slices.BinarySearch(f.ids, id)
	return i < len(f.ids) && f.ids[i] < id+span
}
