package filestore

import "io"

// A commit knows what will be on the pages that it writes, so the transaction
// that follows in a moment need not read them (kept.go). Each page of the tree is
// read all the same, from memory before it is written, with the checks that a
// reader makes of a page: what we lay we could read.

// next is the revision to come. It shares t's pages at hand, and learns those
// that are laid beside them: only if the commit succeeds are they its own, and
// otherwise t must be dropped with them.
func (t *tree) next() *tree {
	return &tree{file: t.file, branches: t.branches, leaves: t.leaves, spare: t.spare}
}

// window is a part of a file in memory.
type window struct {
	b  []byte
	at int64 // where in the file
}

func (w *window) ReadAt(b []byte, at int64) (int, error) {
	if at < w.at || at > w.at+int64(len(w.b)) {
		return 0, io.EOF
	}
	n := copy(b, w.b[at-w.at:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// learn reads a page that was laid, of a file of so many pages until now.
func (t *tree) learn(laid *window, id, mark uint64) error {
	p := t.blank()
	if err := p.read(laid, id, &meta{pages: mark}); err != nil {
		return err
	}
	p.file = t.file
	if p.items[0].bucket {
		return t.begin(p)
	}
	if p.leaf {
		if err := p.checkRecords(); err != nil {
			return err
		}
	}
	switch {
	case !p.leaf && len(t.branches) < 2*keptBranches:
		t.branches[id] = p
	case p.leaf && len(t.leaves) < 2*keptLeaves:
		t.leaves[id] = p
	default:
		t.recycle(p)
	}
	return nil
}

// succeed takes over from the revision before, with what is not gone of it.
func (t *tree) succeed(before *tree, gone []uint64) {
	for _, id := range gone {
		for _, pages := range []map[uint64]*page{t.branches, t.leaves} {
			if p := pages[id]; p != nil {
				t.recycle(p)
				delete(pages, id)
			}
		}
	}
	before.branches, before.leaves = nil, nil
	t.heldBack = gone
}
