package filestore

// guard checks every page of the file that bbolt will read to apply a change,
// because bbolt itself follows them unchecked (tree.go says what that leads
// to). These are, for each changed key, the pages from the root to its leaf,
// and for a deleted one at each level the neighbour on either side: a page that
// a deletion leaves nearly empty is merged with one of them, even across
// parents when those are merged first. Nothing but a deletion makes bbolt merge.
type guard struct {
	t    *tree
	free []uint64
	seen map[uint64]*page

	low, high string // the keys that belong in the leaf of the last path
}

func newGuard(t *tree) (*guard, error) {
	free, _, err := readFreelist(t.file, t.meta)
	if err != nil {
		return nil, err
	}
	g := &guard{t: t, free: free, seen: map[uint64]*page{}}
	return g, g.checkUsed(t.directory)
}

// checkUsed refuses a page that the free list offers for overwriting.
func (g *guard) checkUsed(p *page) error {
	if isFree(g.free, p) {
		return damaged("page %d is in use and in the list of free pages", p.id)
	}
	return nil
}

// paths checks what changes make bbolt read.
func (g *guard) paths(changes []change) error {
	for _, c := range changes {
		if err := g.path(c.key, c.value == nil); err != nil {
			return err
		}
	}
	return nil
}

// path checks what a change of key makes bbolt read.
func (g *guard) path(key string, deleted bool) error {
	if !deleted && key >= g.low && key < g.high {
		return nil
	}
	top := g.t.top()
	level := [3]*limits{nil, &top, nil} // left neighbour, the page itself, right neighbour
	for {
		pages, err := g.load(level)
		if err != nil {
			return err
		}
		if p := pages[1]; p.leaf {
			return g.leaf(p, *level[1], key)
		}
		level = below(level, pages, pages[1].enter([]byte(key)))
		if !deleted {
			level[0], level[2] = nil, nil
		}
	}
}

// leaf notes which keys belong in a leaf: those up to its last one, and those
// behind it only if the branch above is right about what comes next.
func (g *guard) leaf(p *page, at limits, key string) error {
	last := string(p.items[len(p.items)-1].key)
	g.low, g.high = string(at.low), last
	if key <= last {
		return nil
	}
	g.high = string(at.high)
	return g.t.endsAt(p, len(p.items)-1, []byte(key))
}

func (g *guard) load(level [3]*limits) (pages [3]*page, err error) {
	for i, at := range level {
		if at == nil {
			continue
		}
		p := g.seen[at.id]
		if p == nil {
			if p, err = g.t.load(*at); err != nil {
				return pages, err
			}
			if err = g.checkUsed(p); err != nil {
				return pages, err
			}
			g.seen[at.id] = p
		}
		pages[i] = p
	}
	for _, p := range pages {
		if p != nil && p.leaf != pages[1].leaf {
			return pages, damaged("page %d is at the wrong depth", p.id)
		}
	}
	return pages, nil
}

// below returns the limits one level down: child i of the page in the middle,
// and the children to its left and right, in the neighbours if need be.
func below(level [3]*limits, pages [3]*page, i int) (next [3]*limits) {
	pick := func(side, i int) *limits {
		if pages[side] == nil {
			return nil
		}
		c := level[side].child(pages[side], i)
		return &c
	}
	next[1] = pick(1, i)
	if next[0] = pick(0, lastOf(pages[0])); i > 0 {
		next[0] = pick(1, i-1)
	}
	if next[2] = pick(2, 0); i < lastOf(pages[1]) {
		next[2] = pick(1, i+1)
	}
	return next
}

func lastOf(p *page) int {
	if p == nil {
		return 0
	}
	return len(p.items) - 1
}
