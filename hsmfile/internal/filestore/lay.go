package filestore

import (
	"io"
	"slices"
)

// layer lays pages where there is room, each level behind the one below, and
// writes those that follow each other in one call.
type layer struct {
	file io.WriterAt
	room room
	next *tree // which is told of each page; nil: there is none
	err  error // the first; after it nothing is written

	buffer []byte // pages that follow each other and are not written yet
	at     uint64 // the first of them
	laid   window // on them
}

// layBuffer is how much is written at once, in bytes.
const layBuffer = 1 << 20

// image lays the pages of an image: those that are new below top, the directory,
// and the list of free pages, which the pages that are gone are on from now on.
// It returns what a meta page says of them, but for the commit's number.
func (l *layer) image(top element, gone []uint64) (*meta, error) {
	root := top.child
	if top.node != nil {
		level := l.node(top.node)
		for len(level) > 1 {
			level = l.node(&node{branchFlag, level})
		}
		root = level[0].child
	}
	bucket := native.AppendUint64(nil, root)
	bucket = native.AppendUint64(bucket, 0) // a counter of bbolt's
	records := []element{{key: []byte(bucketName), value: bucket}}
	directory := l.page(leafFlag, bucketKind, records, tableAndData(records))
	freelist := l.freelist(gone)
	l.flush(0)
	return &meta{root: directory, freelist: freelist, pages: l.room.mark}, l.err
}

// node lays what is new below a node and then the node, on as few pages as hold
// it, all about equally full. It returns what a branch above says of them.
func (l *layer) node(n *node) (above []element) {
	of := n.of
	for i := 0; i < len(of); i++ {
		if of[i].node == nil {
			continue
		}
		pages := l.node(of[i].node)
		of[i] = pages[0]
		if more := pages[1:]; len(more) > 0 {
			of = slices.Insert(of, i+1, more...)
			i += len(more)
		}
	}
	size := tableAndData(of)
	if size <= pageSize {
		return []element{{key: of[0].key, child: l.page(n.flag, recordKind, of, size)}}
	}
	share := size / int(pagesFor(size))
	for len(of) > 0 {
		count, size := fill(n.flag, of, share)
		above = append(above, element{key: of[0].key, child: l.page(n.flag, recordKind, of[:count], size)})
		of = of[count:]
	}
	return above
}

// fill is how many elements the next page takes, and their size with its header:
// so many that it has its share, if they fit a page. What does not fit any has
// one of its own, with those that it overflows into.
func fill(flag uint16, of []element, share int) (count, size int) {
	size = headerSize
	for i := range of {
		next := of[i].size()
		if i > 0 && (size >= share || size+next > pageSize) {
			if flag == branchFlag && i == len(of)-1 { // a branch has two children at least
				return i - 1, size - of[i-1].size()
			}
			return i, size
		}
		size += next
	}
	return len(of), size
}

// begin takes room for a page of so many bytes and elements, and writes its
// header.
func (l *layer) begin(flag uint16, count, size int) (id uint64) {
	span := pagesFor(size)
	id = l.room.take(span)
	if len(l.buffer) > layBuffer || id != l.at+uint64(len(l.buffer))/pageSize {
		l.flush(id)
	}
	l.buffer = native.AppendUint64(l.buffer, id)
	l.buffer = native.AppendUint16(l.buffer, flag)
	l.buffer = native.AppendUint16(l.buffer, uint16(count))
	l.buffer = native.AppendUint32(l.buffer, uint32(span-1))
	return id
}

// end fills the rest of the page that was begun with zeros, or of its span.
func (l *layer) end(id uint64, size int) {
	end := int(id-l.at+pagesFor(size)) * pageSize
	l.buffer = append(l.buffer, make([]byte, end-len(l.buffer))...)
}

// told has a page read, as whoever comes next will, before it is written.
func (l *layer) told(id uint64) {
	if l.next != nil && l.err == nil {
		l.laid = window{l.buffer, int64(l.at) * pageSize}
		l.err = l.next.learn(&l.laid, id, l.room.mark)
	}
}

// flush writes what is in the buffer; the page to come next has this number.
func (l *layer) flush(next uint64) {
	if l.err == nil && len(l.buffer) > 0 {
		_, l.err = l.file.WriteAt(l.buffer, int64(l.at)*pageSize)
	}
	l.buffer, l.at = l.buffer[:0], next
}

// Kinds of a leaf's elements.
const (
	recordKind = 0
	bucketKind = 1
)

// page lays one page of elements of this size, its header included, with those
// that it overflows into.
func (l *layer) page(flag uint16, kind uint32, of []element, size int) (id uint64) {
	id = l.begin(flag, len(of), size)
	b := l.buffer
	pos := uint32(elementSize * len(of)) // of a key, from its entry in the table
	for i := range of {
		key, value := uint32(len(of[i].key)), uint32(len(of[i].value))
		if flag == branchFlag {
			b = native.AppendUint32(native.AppendUint32(b, pos), key)
			b = native.AppendUint64(b, of[i].child)
		} else {
			b = native.AppendUint32(native.AppendUint32(b, kind), pos)
			b = native.AppendUint32(native.AppendUint32(b, key), value)
		}
		pos += key + value - elementSize
	}
	for i := range of {
		b = append(append(b, of[i].key...), of[i].value...)
	}
	l.buffer = b
	l.end(id, size)
	l.told(id)
	return id
}

// freelist lays the list of free pages: those that are left and those that are
// gone, which are in order. It finds room for itself among the former, as if it
// had all of both to say.
func (l *layer) freelist(gone []uint64) (id uint64) {
	most := len(l.room.behind) + len(l.room.ahead) + len(gone)
	size := headerSize + 8*(most+1) // the first may be their number
	l.buffer = slices.Grow(l.buffer, int(pagesFor(size))*pageSize)
	id = l.begin(freelistFlag, 0, size)
	count, ids := l.buffer[len(l.buffer)-headerSize+10:], make([]uint64, 0, most)
	for _, left := range [][]uint64{l.room.behind, l.room.ahead} {
		for _, id := range left {
			for len(gone) > 0 && gone[0] < id {
				ids, gone = append(ids, gone[0]), gone[1:]
			}
			ids = append(ids, id)
		}
	}
	ids = append(ids, gone...)
	if len(ids) < manyFree {
		native.PutUint16(count, uint16(len(ids)))
	} else {
		native.PutUint16(count, manyFree)
		l.buffer = native.AppendUint64(l.buffer, uint64(len(ids)))
	}
	for _, id := range ids {
		l.buffer = native.AppendUint64(l.buffer, id)
	}
	l.end(id, size)
	if l.next != nil {
		l.next.free = &freelist{ids, pagesFor(size)}
	}
	return id
}
