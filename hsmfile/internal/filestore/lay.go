package filestore

import (
	"bytes"
	"crypto/rand"
	"io"
	"os"
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
// and the list of free pages: what is left of the room, and more. It returns what
// a meta page says of them, but for the commit's number and nonce.
func (l *layer) image(top element, more []uint64) (*meta, error) {
	root := top.child
	if top.node != nil {
		level := l.node(top.node)
		for len(level) > 1 {
			level = l.node(&node{branchFlag, level})
		}
		root = level[0].child
	}
	bucket := order.AppendUint64(nil, root)
	bucket = order.AppendUint64(bucket, 0) // a counter of bbolt's
	records := []element{{key: []byte(bucketName), value: bucket}}
	directory := l.page(leafFlag, bucketKind, records, tableAndData(records))
	freelist := l.freelist(more)
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
	l.buffer = order.AppendUint64(l.buffer, id)
	l.buffer = order.AppendUint16(l.buffer, flag)
	l.buffer = order.AppendUint16(l.buffer, uint16(count))
	l.buffer = order.AppendUint32(l.buffer, uint32(span-1))
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
			b = order.AppendUint32(order.AppendUint32(b, pos), key)
			b = order.AppendUint64(b, of[i].child)
		} else {
			b = order.AppendUint32(order.AppendUint32(b, kind), pos)
			b = order.AppendUint32(order.AppendUint32(b, key), value)
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

// freelist lays the list of free pages: those in the room that are left, and more
// that are none before this commit is done. It finds room for itself among the
// former, as if it had all of both to say.
func (l *layer) freelist(more []uint64) (id uint64) {
	size := headerSize + 8*(l.room.count()+len(more)+1) // the first may be their number
	l.buffer = slices.Grow(l.buffer, int(pagesFor(size))*pageSize)
	id = l.begin(freelistFlag, 0, size)
	count, ids := l.buffer[len(l.buffer)-headerSize+10:], union(l.room.left(), more)
	if len(ids) < manyFree {
		order.PutUint16(count, uint16(len(ids)))
	} else {
		order.PutUint16(count, manyFree)
		l.buffer = order.AppendUint64(l.buffer, uint64(len(ids)))
	}
	for _, id := range ids {
		l.buffer = order.AppendUint64(l.buffer, id)
	}
	l.end(id, size)
	if l.next != nil {
		l.next.free = &freelist{ids, pagesFor(size)}
	}
	return id
}

// layNew makes an empty file, or one that layNew made, an image with these
// records, which are in order. It does not sync. Both meta pages describe the
// same tree, of commits 0 and 1.
func layNew(file *os.File, records []change) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	l := &layer{file: file, room: newRoom(nil, 2, 0)} // behind the meta pages
	top := element{node: &node{branchFlag, l.leaves(records)}}
	if of := top.node.of; len(of) == 1 {
		top = of[0]
	}
	m, err := l.image(top, nil)
	for m.txid = range 2 {
		if err == nil {
			_, _ = rand.Read(m.nonce[:])
			err = m.write(file, l.buffer)
		}
	}
	return err
}

// layAtOnce is of how many records the pages are made at once: a hundred thousand
// keys need not be in memory twice.
const layAtOnce = 2_000

// leaves lays these records and the filler behind them.
func (l *layer) leaves(records []change) (above []element) {
	n, keys := &node{leafFlag, make([]element, 0, layAtOnce+1)}, keyBytes{}
	for last := false; !last; {
		part := records[:min(len(records), layAtOnce)]
		records = records[len(part):]
		n.of = n.of[:0]
		for i, key := range keys.gather(part) {
			n.of = append(n.of, element{key: key, value: part[i].value})
		}
		if last = len(records) == 0; last {
			n.of = append(n.of, element{key: []byte(fillerKey), value: fillerValue})
		}
		for _, e := range l.node(n) {
			e.key = bytes.Clone(e.key)
			above = append(above, e)
		}
	}
	return above
}
