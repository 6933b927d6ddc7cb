package filestore

import (
	"io"
	"os"
)

// Two writes are not bbolt's: that of a new image, and that of so many records
// that all pages are laid anew (together.go). A restore is one or the other, of
// a hundred thousand records, which bbolt would put into its tree one by one.
// They are in order, so the leaves are laid one behind the other, each filled to
// the brim, every level of branches behind the one below, then the directory and
// the list of free pages.
//
// What bbolt goes on with is what it would have written itself: lay_test.go has
// it say so.

// medium is the file that is written.
type medium interface {
	io.WriterAt
	Sync() error
}

// layer lays pages where there is room.
type layer struct {
	file medium
	keep pageSet // pages of the revision before: never written over
	laid pageSet // our own
	err  error   // of a write; after it nothing is written

	buffer []byte // pages that follow each other and are not written yet
	at     uint64 // the first of them
}

// element is a record of a leaf, the bucket, or a child of a branch.
type element struct {
	key    string
	value  []byte
	bucket bool
	child  uint64 // of a branch, whose elements have no value
}

func (e *element) size() int { return elementSize + len(e.key) + len(e.value) }

// layBuffer is how much is written at once, in bytes.
const layBuffer = 1 << 20

// layNew makes an empty file, or one that layNew made, an image with these
// records, which are in order. It does not sync. Both meta pages describe the
// same tree, of commits 0 and 1. As after a commit of bbolt's the file goes on
// behind the last page: the next change must not need a longer one.
func layNew(file *os.File, records []change) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	l := newLayer(file, nil)
	m, err := l.image(records)
	for m.txid = range 2 {
		if err == nil {
			err = m.write(file)
		}
	}
	if err != nil {
		return err
	}
	size := int64(m.pages) * pageSize
	return file.Truncate(size + min(size, growStep))
}

// newLayer is one that keeps off these pages, which may be none.
func newLayer(file medium, keep pageSet) *layer {
	return &layer{file: file, keep: keep, laid: pageSet{true, true}} // the meta pages
}

// image lays the pages of an image with these records, which are in order, and
// returns what a meta page says of them, but for the commit's number.
func (l *layer) image(records []change) (*meta, error) {
	level := l.level(leafFlag, len(records)+1, func(i int) element {
		if i == len(records) {
			return element{key: fillerKey, value: fillerValue}
		}
		return element{key: records[i].key, value: records[i].value}
	})
	for len(level) > 1 {
		level = l.level(branchFlag, len(level), func(i int) element { return level[i] })
	}
	bucket := native.AppendUint64(nil, level[0].child)
	bucket = native.AppendUint64(bucket, 0) // a counter of bbolt's
	m := &meta{root: l.page(leafFlag, []element{{key: bucketName, value: bucket, bucket: true}})}
	m.freelist = l.freelist()
	m.pages = uint64(max(len(l.keep), len(l.laid)))
	l.flush(0)
	return m, l.err
}

// take finds room for pages that follow each other.
func (l *layer) take(span uint64) (id uint64) {
	id = uint64(len(l.laid))
	for i, n := id, uint64(0); n < span; i++ {
		if n++; i < uint64(len(l.keep)) && l.keep[i] {
			id, n = i+1, 0
		}
	}
	l.laid = append(l.laid, make(pageSet, id-uint64(len(l.laid)))...)
	for range span {
		l.laid = append(l.laid, true)
	}
	return id
}

// begin takes room for a page of so many bytes and elements, and writes its
// header.
func (l *layer) begin(flag uint16, count, size int) (id uint64) {
	span := pagesFor(size)
	id = l.take(span)
	if len(l.buffer) > layBuffer || id != l.at+uint64(len(l.buffer))/pageSize {
		l.flush(id)
	}
	l.buffer = native.AppendUint64(l.buffer, id)
	l.buffer = native.AppendUint16(l.buffer, flag)
	l.buffer = native.AppendUint16(l.buffer, uint16(count))
	l.buffer = native.AppendUint32(l.buffer, uint32(span-1))
	return id
}

// end fills the room of the page that was begun.
func (l *layer) end() {
	size := int(uint64(len(l.laid))-l.at) * pageSize
	l.buffer = append(l.buffer, make([]byte, size-len(l.buffer))...)
}

// flush writes what is in the buffer; the page to come next has this number.
func (l *layer) flush(next uint64) {
	if l.err == nil && len(l.buffer) > 0 {
		_, l.err = l.file.WriteAt(l.buffer, int64(l.at)*pageSize)
	}
	l.buffer, l.at = l.buffer[:0], next
}

// level lays the pages of one level, as few as hold n elements, and returns
// what the branches above say of them.
func (l *layer) level(flag uint16, n int, at func(int) element) (above []element) {
	var of []element
	size := headerSize
	for i := range n {
		e := at(i)
		if len(of) > 0 && size+e.size() > pageSize {
			whole := len(of)
			if flag == branchFlag && i == n-1 {
				whole-- // a branch has two children at least
			}
			above = append(above, element{key: of[0].key, child: l.page(flag, of[:whole])})
			of = append(of[:0], of[whole:]...)
			size = tableAndData(of)
		}
		of = append(of, e)
		size += e.size()
	}
	return append(above, element{key: of[0].key, child: l.page(flag, of)})
}

// page lays one page, with those that it overflows into.
func (l *layer) page(flag uint16, of []element) (id uint64) {
	id = l.begin(flag, len(of), tableAndData(of))
	pos := elementSize * len(of)
	for i := range of {
		l.buffer = of[i].appendTo(l.buffer, flag, pos)
		pos += len(of[i].key) + len(of[i].value) - elementSize
	}
	for i := range of {
		l.buffer = append(append(l.buffer, of[i].key...), of[i].value...)
	}
	l.end()
	return id
}

// freelist lays the list of all pages that are not ours: those of the revision
// before are free from this commit on. A list that has no room for itself among
// them takes what it needs as if none of it were on it.
func (l *layer) freelist() (id uint64) {
	most := len(l.free()) + 1 // the first may be their number
	id = l.begin(freelistFlag, 0, headerSize+8*most)
	ids := l.free()
	count := l.buffer[len(l.buffer)-headerSize+10:]
	if len(ids) < manyFree {
		native.PutUint16(count, uint16(len(ids)))
	} else {
		native.PutUint16(count, manyFree)
		l.buffer = native.AppendUint64(l.buffer, uint64(len(ids)))
	}
	for _, free := range ids {
		l.buffer = native.AppendUint64(l.buffer, free)
	}
	l.end()
	return id
}

// free are the pages below the mark that are not ours, ascending.
func (l *layer) free() (ids []uint64) {
	for i := range max(len(l.keep), len(l.laid)) {
		if i >= len(l.laid) || !l.laid[i] {
			ids = append(ids, uint64(i))
		}
	}
	return ids
}

// tableAndData is how much of a page these elements fill, its header included.
func tableAndData(of []element) int {
	size := headerSize
	for i := range of {
		size += of[i].size()
	}
	return size
}

// appendTo appends the element's entry in a page's table; its key is so many
// bytes behind it.
func (e *element) appendTo(b []byte, flag uint16, pos int) []byte {
	if flag == branchFlag {
		b = native.AppendUint32(b, uint32(pos))
		b = native.AppendUint32(b, uint32(len(e.key)))
		return native.AppendUint64(b, e.child)
	}
	kind := uint32(0)
	if e.bucket {
		kind = 1
	}
	b = native.AppendUint32(b, kind)
	b = native.AppendUint32(b, uint32(pos))
	b = native.AppendUint32(b, uint32(len(e.key)))
	return native.AppendUint32(b, uint32(len(e.value)))
}

// write writes the meta page of a commit: over the older one.
func (m *meta) write(file io.WriterAt) error {
	page := m.txid % 2
	b := native.AppendUint64(nil, page)
	b = native.AppendUint16(b, metaFlag)
	b = append(b, make([]byte, headerSize-len(b))...)
	b = native.AppendUint32(b, magic)
	b = native.AppendUint32(b, version)
	b = native.AppendUint32(b, pageSize)
	b = native.AppendUint32(b, 0) // flags: none are known
	b = native.AppendUint64(b, m.root)
	b = native.AppendUint64(b, 0) // a counter of bbolt's
	b = native.AppendUint64(b, m.freelist)
	b = native.AppendUint64(b, m.pages)
	b = native.AppendUint64(b, m.txid)
	b = native.AppendUint64(b, checksum(b[headerSize:]))
	b = append(b, make([]byte, pageSize-len(b))...) // nothing reads the rest
	_, err := file.WriteAt(b, int64(page)*pageSize)
	return err
}
