package filestore

import (
	"io"
	"slices"
)

// manyFree in the place of a number of free pages says that they are that many
// or more, and their number the first element.
const manyFree = 0xFFFF

// readFreelist returns the ids of the free pages, ascending. bbolt believes
// what the list says: a wrong count makes it allocate without bound, a wrong
// id makes it write over live records. So the list is checked here, and
// guard.go checks that no page that a change touches is on it.
func readFreelist(file io.ReaderAt, m *meta) (ids []uint64, span uint64, err error) {
	head := make([]byte, pageSize)
	start := int64(m.freelist) * pageSize
	if err := readAt(file, head, start); err != nil {
		return nil, 0, err
	}
	count := uint64(native.Uint16(head[10:]))
	span = uint64(native.Uint32(head[12:])) + 1
	table := start + headerSize
	if count == manyFree {
		count = native.Uint64(head[headerSize:])
		table += 8
	}
	switch {
	case native.Uint64(head) != m.freelist || native.Uint16(head[8:]) != freelistFlag:
		return nil, 0, damaged("page %d is not the list of free pages", m.freelist)
	case m.freelist+span > m.pages:
		return nil, 0, damaged("the list of free pages runs out of the file")
	case count > (span*pageSize-uint64(table-start))/8:
		return nil, 0, damaged("the list of free pages has %d entries in %d pages", count, span)
	}
	b, at := head, int(table-start)
	if size := at + int(count)*8; size > len(b) {
		b = append(b, make([]byte, size-len(b))...)
		if err := readAt(file, b[pageSize:], start+pageSize); err != nil {
			return nil, 0, err
		}
	}
	ids = decodeIDs(b[at : at+int(count)*8])
	return ids, span, checkIDs(ids, span, m)
}

func decodeIDs(b []byte) []uint64 {
	ids := make([]uint64, len(b)/8)
	for i := range ids {
		ids[i] = native.Uint64(b[8*i:])
	}
	return ids
}

func checkIDs(ids []uint64, span uint64, m *meta) error {
	for i, id := range ids {
		own := id >= m.freelist && id < m.freelist+span
		if !m.holds(id) || own || i > 0 && ids[i-1] >= id {
			return damaged("the list of free pages is not in order at page %d", id)
		}
	}
	return nil
}

func isFree(ids []uint64, p *page) bool {
	i, _ := slices.BinarySearch(ids, p.id)
	return i < len(ids) && ids[i] < p.id+p.span
}
