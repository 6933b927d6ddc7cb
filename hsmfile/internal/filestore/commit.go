package filestore

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"filehsm/hsmfile/internal/store"

	"golang.org/x/sys/unix"
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
//  1. the pages that change, to places that neither meta page's revision uses;
//  2. sync;
//  3. the older meta page, now the newest: THE COMMIT POINT;
//  4. sync.
//
// If 3 or 4 fails, the change may or may not be there, whole either way.
//
// A commit that was killed between 3 and 4 is read by all, and may be on no disk
// yet: there the revision before it is the newest. That one therefore stays whole
// until the next commit's step 2, which makes both durable. If step 4 failed, the
// meta page may never come to the disk by itself (datasync), so the next commit
// writes it again with its pages (Store.unsure). It does so only then: a meta page
// that is on the disk is better not touched.
//
// It returns the new revision, which has taken over what t had at hand.
func commit(file medium, t *tree, changes []change, scratch *scratch) (*tree, error) {
	if t.meta.txid+1 >= maxTxid {
		return nil, damaged("it has had %d commits, and there can be no more", t.meta.txid)
	}
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
	next, err := t.lay(file, top, gone, scratch)
	if err == nil {
		err = next.meta.makeNewest(file, scratch.buffer)
	}
	if err != nil {
		return nil, fmt.Errorf("failed to write the image: %w", err)
	}
	next.succeed(t, gone)
	return next, nil
}

// lay is step 1.
func (t *tree) lay(file medium, top element, gone []uint64, scratch *scratch) (*tree, error) {
	held, err := t.holdBack()
	if err == nil && held == nil {
		err = file.Sync()
	}
	if err == nil && t.unsure {
		err = t.meta.write(file, scratch.buffer)
	}
	if err != nil {
		return nil, err
	}
	l := &layer{file: file, next: t.next(), buffer: scratch.buffer[:0]}
	l.room = newRoom(without(t.free.ids, held), t.meta.pages, uint64(len(gone)))
	m, err := l.image(top, union(held, gone))
	scratch.buffer = l.buffer
	if err != nil {
		return nil, err
	}
	if m.pages > maxPages {
		return nil, fmt.Errorf("it would have %d pages, the most are %d: %w", m.pages, maxPages, unix.EFBIG)
	}
	m.txid = t.meta.txid + 1
	l.next.meta = m
	return l.next, nil
}

// holdBack returns the free pages that the revision before uses. They are nil if
// that cannot be told: it is not whole any more, and the newest one must be durable
// before a page of either is written over.
func (t *tree) holdBack() ([]uint64, error) {
	if t.heldBack != nil || t.before == nil {
		return t.heldBack, nil
	}
	list, err := readFreelist(t.file, t.before)
	if errors.Is(err, store.ErrDamaged) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	used := without(t.free.ids, list.ids)
	end, _ := slices.BinarySearch(used, t.before.pages)
	return append([]uint64{}, used[:end]...), nil
}

// makeNewest makes this the newest meta page, once what it refers to is durable.
func (m *meta) makeNewest(file medium, buffer []byte) error {
	if err := file.Sync(); err != nil {
		return err
	}
	_, _ = rand.Read(m.nonce[:])
	if err := m.write(file, buffer); err != nil {
		return err
	}
	return file.Sync()
}
