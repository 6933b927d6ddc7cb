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
	count := uint64(native.Uint16(head[10:]))
	span := uint64(native.Uint32(head[12:])) + 1
	table := start + headerSize
	if count == manyFree {
		count = native.Uint64(head[headerSize:])
		table += 8
	}
	switch {
	case native.Uint64(head) != m.freelist || native.Uint16(head[8:]) != freelistFlag:
		return nil, damaged("page %d is not the list of free pages", m.freelist)
	case m.freelist+span > m.pages:
		return nil, damaged("the list of free pages runs out of the file")
	case count > (span*pageSize-uint64(table-start))/8:
		return nil, damaged("the list of free pages has %d entries in %d pages", count, span)
	}
	b, at := head, int(table-start)
	if size := at + int(count)*8; size > len(b) {
		b = append(b, make([]byte, size-len(b))...)
		if err := readAt(file, b[pageSize:], start+pageSize); err != nil {
			return nil, err
		}
	}
	list := &freelist{decodeIDs(b[at : at+int(count)*8]), span}
	return list, list.check(m)
}

func decodeIDs(b []byte) []uint64 {
	ids := make([]uint64, len(b)/8)
	for i := range ids {
		ids[i] = native.Uint64(b[8*i:])
	}
	return ids
}

func (f *freelist) check(m *meta) error {
	for i, id := range f.ids {
		own := id >= m.freelist && id < m.freelist+f.span
		if !m.holds(id) || own || i > 0 && f.ids[i-1] >= id {
			return damaged("the list of free pages is not in order at page %d", id)
		}
	}
	return nil
}

// has says whether one of the pages is on the list.
func (f *freelist) has(id, span uint64) bool {
	i, _ := slices.BinarySearch(f.ids, id)
	return i < len(f.ids) && f.ids[i] < id+span
}
