package filestore

import (
	"bytes"
	"io"
	"slices"
	"sort"

	"filehsm/hsmfile/internal/store"
)

// page is one checked page of a tree: a leaf with records or a branch with
// children. It has the elements' table, then all keys and values without a gap;
// read accepts exactly that.
type page struct {
	id    uint64
	leaf  bool
	span  uint64 // pages that it takes, itself and its overflow
	items []item

	file io.ReaderAt
	head []byte // its first pageSize bytes
}

// item is one element: a record (or the bucket's header) of a leaf, or a child
// of a branch with the least key below it.
type item struct {
	key    []byte
	bucket bool
	child  uint64
	at     int // where the value begins, from the page's start
	size   int // of the value
}

// elementSize is that of both kinds: leaf (flags, pos, ksize, vsize, each four
// bytes) and branch (pos, ksize, and an eight-byte page id).
const elementSize = 16

// read reads a page into the memory that p has, if it has any.
func (p *page) read(file io.ReaderAt, id uint64, m *meta) error {
	if !m.holds(id) {
		return damaged("page %d is named but outside the file", id)
	}
	p.id, p.file = id, file
	if p.head == nil {
		p.head = make([]byte, pageSize)
	}
	if err := readAt(file, p.head, int64(id)*pageSize); err != nil {
		return err
	}
	flags, count := order.Uint16(p.head[8:]), int(order.Uint16(p.head[10:]))
	p.leaf = flags == leafFlag
	p.span = uint64(order.Uint32(p.head[12:])) + 1
	switch {
	case order.Uint64(p.head) != id:
		return damaged("page %d has another page's number", id)
	case flags != leafFlag && flags != branchFlag:
		return damaged("page %d is of kind %#x where a branch or leaf belongs", id, flags)
	case id+p.span > m.pages:
		return damaged("page %d runs out of the file", id)
	case count == 0 || headerSize+count*elementSize > pageSize:
		// What has more than four elements is cut into single pages, by
		// bbolt and by us, so a table never leaves the first one.
		return damaged("page %d has %d elements", id, count)
	}
	return p.readItems(count)
}

func (p *page) readItems(count int) error {
	p.items = slices.Grow(p.items[:0], count)[:count]
	clear(p.items)
	end := headerSize + count*elementSize
	for i := range p.items {
		var err error
		if end, err = p.readItem(i, end); err != nil {
			return err
		}
	}
	if pagesFor(end) != p.span {
		return damaged("page %d has %d bytes in %d pages", p.id, end, p.span)
	}
	return nil
}

func pagesFor(size int) uint64 { return uint64(size+pageSize-1) / pageSize }

// readItem reads the element i, whose key must begin at start, and returns
// where the next one's begins.
func (p *page) readItem(i, start int) (int, error) {
	offset := headerSize + i*elementSize
	e := p.head[offset : offset+elementSize]
	it := &p.items[i]
	pos, keySize := order.Uint32(e), order.Uint32(e[4:])
	if p.leaf {
		it.bucket = order.Uint32(e) == 1
		if !it.bucket && order.Uint32(e) != 0 {
			return 0, damaged("page %d has an unknown kind of record", p.id)
		}
		pos, keySize = order.Uint32(e[4:]), order.Uint32(e[8:])
		it.size = int(min(order.Uint32(e[12:]), store.MaxValue+1))
	} else {
		it.child = order.Uint64(e[8:])
	}
	it.at = start + int(min(keySize, fillerKeySize+1))
	switch {
	case offset+int(pos) != start:
		return 0, damaged("page %d has a gap or an overlap", p.id)
	case keySize == 0 || keySize > fillerKeySize || it.size > store.MaxValue || p.leaf && it.size == 0:
		return 0, damaged("page %d has a key or a value out of bounds", p.id)
	}
	key, err := p.bytes(start, int(keySize))
	if err != nil {
		return 0, err
	}
	it.key = key
	if i > 0 && bytes.Compare(p.items[i-1].key, key) >= 0 {
		return 0, damaged("page %d has its keys out of order", p.id)
	}
	return it.at + it.size, nil
}

// bytes returns n bytes from an offset in the page. They may be shared with
// the page.
func (p *page) bytes(offset, n int) ([]byte, error) {
	if offset+n <= len(p.head) {
		return p.head[offset : offset+n : offset+n], nil
	}
	if uint64(offset+n) > p.span*pageSize {
		return nil, damaged("page %d has a record that runs out of it", p.id)
	}
	b := make([]byte, n)
	return b, readAt(p.file, b, int64(p.id)*pageSize+int64(offset))
}

// value returns the value of record i, the caller's own: what lies beyond the
// page's head was read for him alone.
func (p *page) value(i int) ([]byte, error) {
	at, size := p.items[i].at, p.items[i].size
	b, err := p.bytes(at, size)
	if at+size <= len(p.head) {
		b = bytes.Clone(b)
	}
	return b, err
}

// first returns the first element whose key is not below key.
func (p *page) first(key []byte) int {
	return sort.Search(len(p.items), func(i int) bool { return bytes.Compare(p.items[i].key, key) >= 0 })
}

// enter returns the element to begin with when looking for key and what
// follows it: on a branch, the child in which key belongs.
func (p *page) enter(key []byte) int {
	i := p.first(key)
	if p.leaf || i < len(p.items) && bytes.Equal(p.items[i].key, key) {
		return i
	}
	return max(i-1, 0)
}
