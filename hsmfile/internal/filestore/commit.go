package filestore

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// medium is the file that a commit writes.
type medium interface {
	io.WriterAt
	Sync() error
}

// synced is an image whose Sync makes its content durable, and of what the file
// system knows of it no more than that takes.
type synced struct{ *os.File }

func (s synced) Sync() error { return datasync(s.File) }

// commit makes changes to the records of a tree, in this order:
//
//  1. the pages that change, to places that the newest meta page does not know
//     as used;
//  2. sync;
//  3. the older meta page, now the newest: THE COMMIT POINT;
//  4. sync.
//
// If 3 or 4 fails, the change may or may not be there, whole either way. What a
// commit that failed has written no meta page refers to.
//
// It returns the new revision.
func commit(file medium, t *tree, changes []change, scratch *scratch) (*tree, error) {
	free, err := t.freePages()
	if err != nil {
		return nil, err
	}
	r := &rewriter{t: t, free: free, scratch: scratch}
	top, err := r.root(changes)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(r.remove(t.directory.id, 1), r.remove(t.meta.freelist, free.span)); err != nil {
		return nil, err
	}
	gone, err := r.removed()
	if err != nil {
		return nil, err
	}
	next := t.next()
	l := &layer{file: file, room: newRoom(free.ids, t.meta.pages, uint64(len(r.gone))), next: next, buffer: scratch.buffer[:0]}
	next.meta, err = l.image(top, gone)
	scratch.buffer = l.buffer
	if err == nil {
		next.meta.txid = t.meta.txid + 1
		err = next.meta.makeNewest(file, scratch.buffer)
	}
	if err != nil {
		return nil, fmt.Errorf("failed to write the image: %w", err)
	}
	next.succeed(t, gone)
	return next, nil
}

// makeNewest makes this the newest meta page, once what it refers to is durable.
func (m *meta) makeNewest(file medium, room []byte) error {
	if err := file.Sync(); err != nil {
		return err
	}
	if err := m.write(file, room); err != nil {
		return err
	}
	return file.Sync()
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
		for i, key := range keys.take(part) {
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
