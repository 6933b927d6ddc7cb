package filestore

// keptLeaves bounds what a transaction holds on to, in pages.
const keptLeaves = 64

// keep remembers a leaf for the next look-up.
func (t *tree) keep(p *page) {
	if t.leaves[p.id] == nil && len(t.leaves) >= keptLeaves {
		clear(t.leaves)
	}
	t.leaves[p.id] = p
}

// room is memory for one more page.
func (t *tree) room() *page {
	if t.spare != nil {
		if p, ok := t.spare.Get().(*page); ok {
			return p
		}
	}
	return new(page)
}

// drop ends a transaction of which nothing is kept. What was read of a page that
// is at hand is the reader's own copy (own), so its memory can serve again: a
// small commit reads a dozen pages, and to make room for them anew costs as much
// as to read them.
func (t *tree) drop() {
	t.end()
	if t.spare == nil {
		return
	}
	t.spare.Put(t.directory)
	for _, pages := range []map[uint64]*page{t.branches, t.leaves} {
		for _, p := range pages {
			if p.head != nil {
				t.spare.Put(p)
			}
		}
		clear(pages)
	}
}
