package filestore

import (
	"bufio"
	"io"
	"os"
	"slices"
)

// A new image is the one that bbolt does not write: a restore makes it of a
// hundred thousand records, which bbolt would put into its tree one by one.
// They are in order, so the pages follow each other in the file, each filled
// to the brim, every level of branches behind the one below:
//
//	meta page 0, meta page 1, list of free pages (none), leaves, branches, directory
//
// Both meta pages describe the same tree, of commits 0 and 1. From then on the
// file is bbolt's, and as after a commit of bbolt's there is room behind the
// last page: the next change must not need a longer file.

// freelistPage is the one place in a new image that does not follow from what
// is in it.
const freelistPage = 2

// layer lays pages one behind the other.
type layer struct {
	w    *bufio.Writer
	next uint64 // the page that comes next
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

// lay makes an empty file, or one that lay made, an image with these records,
// which are in order. It does not sync.
func lay(file *os.File, records []change) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	l := &layer{bufio.NewWriterSize(io.NewOffsetWriter(file, freelistPage*pageSize), layBuffer), freelistPage}
	l.page(freelistFlag, nil)
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
	root := l.page(leafFlag, []element{{key: bucketName, value: bucket, bucket: true}})
	if err := l.w.Flush(); err != nil {
		return err
	}
	for txid := range uint64(2) {
		m := meta{root: root, freelist: freelistPage, pages: l.next, txid: txid}
		if _, err := file.WriteAt(m.encode(txid), int64(txid)*pageSize); err != nil {
			return err
		}
	}
	size := int64(l.next) * pageSize
	return file.Truncate(size + min(size, growStep))
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

// tableAndData is how much of a page these elements fill, its header included.
func tableAndData(of []element) int {
	size := headerSize
	for i := range of {
		size += of[i].size()
	}
	return size
}

// page lays one page, with those that it overflows into. What is wrong with
// the writing shows in Flush.
func (l *layer) page(flag uint16, of []element) (id uint64) {
	size, data := tableAndData(of), headerSize+elementSize*len(of)
	id, span := l.next, pagesFor(size)
	l.next += span
	b := make([]byte, 0, data)
	b = native.AppendUint64(b, id)
	b = native.AppendUint16(b, flag)
	b = native.AppendUint16(b, uint16(len(of)))
	b = native.AppendUint32(b, uint32(span-1))
	for i := range of {
		b = of[i].appendTo(b, flag, data-len(b))
		data += len(of[i].key) + len(of[i].value)
	}
	_, _ = l.w.Write(b)
	for i := range of {
		_, _ = l.w.WriteString(of[i].key)
		_, _ = l.w.Write(of[i].value)
	}
	_, _ = l.w.Write(make([]byte, int(span)*pageSize-size))
	return id
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

// encode is a meta page's first bytes; nothing reads the rest.
func (m *meta) encode(page uint64) []byte {
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
	return slices.Concat(b, make([]byte, pageSize-len(b)))
}
