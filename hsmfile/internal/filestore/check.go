package filestore

import "context"

// pageSet says of each page below the high-water mark whether it is in it.
type pageSet []bool

// Check walks all pages of the newest revision and holds them against the list
// of free ones. The one before is not looked at: earlier builds wrote over its
// pages when they began the next. Check changes nothing and takes time in the
// size of the image.
//
// Errors: store.ErrDamaged, and those of View.
func (s *Store) Check(ctx context.Context) error {
	return s.session(ctx, false, func(h *session) error {
		newest, _, err := h.metas(h.of.acceptPrevious)
		if err != nil {
			return err
		}
		_, err = h.usedPages(newest, (*tree).load)
		return err
	})
}

// loader reads a page of a tree: load, or peek.
type loader func(t *tree, at limits) (*page, error)

// peek is load for who asks only which pages a revision uses: it reads no more
// of a leaf than its header.
func (t *tree) peek(at limits) (*page, error) {
	var head [headerSize]byte
	if !t.meta.holds(at.id) {
		return nil, damaged("page %d is named but outside the file", at.id)
	}
	if err := readAt(t.file, head[:], int64(at.id)*pageSize); err != nil {
		return nil, err
	}
	if order.Uint16(head[8:]) != leafFlag {
		return t.load(at)
	}
	p := &page{id: at.id, leaf: true, span: uint64(order.Uint32(head[12:])) + 1}
	if order.Uint64(head[:]) != p.id || p.id+p.span > t.meta.pages {
		return nil, damaged("page %d has another page's header", p.id)
	}
	return p, nil
}

// usedPages returns the pages that a revision uses, meta pages included. It
// fails if a page is used twice, used and free, or neither.
func (s *session) usedPages(m *meta, load loader) (pageSet, error) {
	used := make(pageSet, m.pages)
	used[0], used[1] = true, true
	if err := s.mark(m, load, used, nil); err != nil {
		return nil, err
	}
	return used, s.checkFree(m, used)
}

// mark adds the pages of a revision to used, except those that are known and
// what lies below them.
func (s *session) mark(m *meta, load loader, used, known pageSet) error {
	list, err := readFreelist(s.file, m)
	if err != nil {
		return err
	}
	if err := used.add(m.freelist, list.span); err != nil {
		return err
	}
	t, err := openTree(s.file, m)
	if err != nil {
		return err
	}
	if err := used.add(m.root, 1); err != nil {
		return err
	}
	return t.walk(load, t.top(), known, func(p *page) error { return used.add(p.id, p.span) })
}

// add marks a page and its overflow.
func (u pageSet) add(id, span uint64) error {
	for i := id; i < id+span; i++ {
		if u[i] {
			return damaged("page %d is used twice", i)
		}
		u[i] = true
	}
	return nil
}

// checkFree requires every page to be either used or free.
func (s *session) checkFree(m *meta, used pageSet) error {
	list, err := readFreelist(s.file, m)
	if err != nil {
		return err
	}
	free := list.ids
	for id, inUse := range used {
		listed := len(free) > 0 && free[0] == uint64(id)
		if listed {
			free = free[1:]
		}
		if listed == inUse {
			return damaged("page %d is used: %t, and in the list of free pages: %t", id, inUse, listed)
		}
	}
	return nil
}

// walk calls fn for each page below at, branches before their children, except
// those that are known.
func (t *tree) walk(load loader, at limits, known pageSet, fn func(p *page) error) error {
	if at.id < uint64(len(known)) && known[at.id] {
		return nil
	}
	p, err := load(t, at)
	if err != nil {
		return err
	}
	if err := fn(p); err != nil || p.leaf {
		return err
	}
	for i := range p.items {
		if err := t.walk(load, at.child(p, i), known, fn); err != nil {
			return err
		}
	}
	return nil
}
