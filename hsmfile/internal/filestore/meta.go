package filestore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// The constants of bbolt's file format. The page size is fixed, not the
// machine's own, so that an image opens on every machine.
const (
	pageSize   = 4096
	headerSize = 16 // of every page: id, flags, count, overflow
	metaSize   = 64
	nonceSize  = 16 // behind it, where bbolt has nothing
	magic      = 0xED0CDAED
	version    = 2

	branchFlag   = 0x01
	leafFlag     = 0x02
	metaFlag     = 0x04
	freelistFlag = 0x10

	// maxTxid is out of reach for commits one by one; near the end of its
	// range the number would wrap and hide every later commit.
	maxTxid = 1 << 62

	// maxPages bounds what the numbers of a meta page make us allocate: 256 GiB,
	// as a file of holes may claim to have.
	maxPages = 1 << 26
)

// order is the byte order of everything on a page. (bbolt writes its structures as
// they lie in memory; on all machines that count that is the same.)
var order = binary.LittleEndian

// meta is one of the two pages that say where everything lies. A commit
// overwrites the older of the two.
type meta struct {
	root     uint64 // page of the bucket directory
	freelist uint64 // page that lists the free pages
	pages    uint64 // high-water mark: every page in use is below
	txid     uint64
	nonce    [nonceSize]byte // random: no other commit's, of this file or of a copy
}

// readMetas returns the newest meta page and the one of the commit before, of a
// file of so many bytes.
//
// bbolt serves the commit before when the newest page is damaged. To us that
// is a rollback that nobody asked for, so both have to be valid; with
// acceptPrevious, one is enough and the other comes back nil.
func readMetas(file io.ReaderAt, size int64, acceptPrevious bool) (newest, previous *meta, err error) {
	switch {
	case size == 0:
		return nil, nil, damaged("the file is empty")
	case size < 2*pageSize:
		return nil, nil, damaged("%d bytes cannot hold its two meta pages", size)
	}
	first, err0 := readMeta(file, 0, size)
	second, err1 := readMeta(file, 1, size)
	switch {
	case err0 != nil && err1 != nil:
		return nil, nil, err0
	case err0 != nil && acceptPrevious:
		return second, nil, nil
	case err1 != nil && acceptPrevious:
		return first, nil, nil
	case err0 != nil || err1 != nil:
		return nil, nil, errors.Join(err0, err1)
	case first.txid == second.txid+1:
		return first, second, nil
	case second.txid == first.txid+1:
		return second, first, nil
	}
	return nil, nil, damaged("its meta pages are of commits %d and %d", first.txid, second.txid)
}

func readMeta(file io.ReaderAt, page uint64, size int64) (*meta, error) {
	var b [headerSize + metaSize + nonceSize]byte
	if err := readAt(file, b[:], int64(page)*pageSize); err != nil {
		return nil, err
	}
	body := b[headerSize:]
	switch {
	case order.Uint32(body) != magic:
		return nil, damaged("meta page %d is not bbolt's (wrong magic)", page)
	case order.Uint32(body[4:]) != version:
		return nil, damaged("meta page %d has version %d, want %d", page, order.Uint32(body[4:]), version)
	case checksum(body) != order.Uint64(body[56:]):
		return nil, damaged("meta page %d has a wrong checksum", page)
	case order.Uint32(body[8:]) != pageSize:
		return nil, damaged("meta page %d has page size %d, want %d", page, order.Uint32(body[8:]), pageSize)
	case order.Uint64(b[:]) != page || order.Uint16(b[8:]) != metaFlag:
		return nil, damaged("meta page %d has a wrong header", page)
	}
	m := &meta{
		root:     order.Uint64(body[16:]),
		freelist: order.Uint64(body[32:]),
		pages:    order.Uint64(body[40:]),
		txid:     order.Uint64(body[48:]),
		nonce:    [nonceSize]byte(body[metaSize:]),
	}
	return m, m.check(page, uint64(size))
}

func checksum(body []byte) uint64 {
	h := fnv.New64a()
	h.Write(body[:56])
	return h.Sum64()
}

// check holds the numbers of a page with a right checksum against the file:
// whoever can change the file can compute the checksum.
func (m *meta) check(page, size uint64) error {
	switch {
	case m.pages > maxPages:
		return damaged("its meta page %d says %d pages, the most are %d", page, m.pages, maxPages)
	case m.pages > size/pageSize:
		return damaged("%d bytes are shorter than the %d pages its meta page %d says", size, m.pages, page)
	case !m.holds(m.root) || !m.holds(m.freelist):
		return damaged("meta page %d points outside the file", page)
	case m.txid >= maxTxid || m.txid%2 != page:
		return damaged("meta page %d is of the impossible commit %d", page, m.txid)
	}
	return nil
}

// holds says whether id can be a page that a meta, a branch or the free list
// names.
func (m *meta) holds(id uint64) bool { return id >= 2 && id < m.pages }

// readAt fills b or fails. An end of file in what has been measured before is
// damage; anything else is the medium's own error.
func readAt(file io.ReaderAt, b []byte, offset int64) error {
	_, err := file.ReadAt(b, offset)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return damaged("the file ends before byte %d", offset+int64(len(b)))
	}
	if err != nil {
		return fmt.Errorf("failed to read the image: %w", err)
	}
	return nil
}

// write writes the meta page of a commit, over the older one, or over itself. It
// makes it in a buffer, if that is large enough.
func (m *meta) write(file io.WriterAt, buffer []byte) error {
	page := m.txid % 2
	b := order.AppendUint64(buffer[:0], page)
	b = order.AppendUint16(b, metaFlag)
	b = append(b, make([]byte, headerSize-len(b))...)
	b = order.AppendUint32(b, magic)
	b = order.AppendUint32(b, version)
	b = order.AppendUint32(b, pageSize)
	b = order.AppendUint32(b, 0) // flags: none are known
	b = order.AppendUint64(b, m.root)
	b = order.AppendUint64(b, 0) // a counter of bbolt's
	b = order.AppendUint64(b, m.freelist)
	b = order.AppendUint64(b, m.pages)
	b = order.AppendUint64(b, m.txid)
	b = order.AppendUint64(b, checksum(b[headerSize:]))
	b = append(b, m.nonce[:]...)
	b = append(b, make([]byte, pageSize-len(b))...) // nothing reads the rest
	_, err := file.WriteAt(b, int64(page)*pageSize)
	return err
}
