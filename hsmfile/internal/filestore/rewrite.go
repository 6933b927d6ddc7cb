package filestore

import (
	"bytes"
	"slices"
)

// node is a page that is made anew: what will be on it, in memory. It may have
// become too much for one page; lay.go cuts it.
type node struct {
	flag uint16 // leafFlag or branchFlag
	of   []element
}

// element is a record of a leaf, or a child of a branch. Its key and its value
// may be the memory of a page that was read.
type element struct {
	key   []byte
	value []byte // of a leaf's
	child uint64 // of a branch's: its page
	node  *node  // of a branch's: what becomes of that page
}

func (e *element) size() int { return elementSize + len(e.key) + len(e.value) }

// tableAndData is how much of a page these elements fill, its header included.
func tableAndData(of []element) int {
	size := headerSize
	for i := range of {
		size += of[i].size()
	}
	return size
}

// small is what is better put together with a neighbour: less than a quarter of
// a page, as in bbolt.
func (n *node) small() bool {
	size := headerSize
	for i := range n.of {
		if size += n.of[i].size(); size >= pageSize/4 {
			return false
		}
	}
	return true
}

// rewriter makes the next revision of a tree, in memory: every page from the
// root to the leaves that change is made anew, all others stay. A page that it
// replaces it reads as a reader does, and holds it against the list of free
// pages: one in use that is on it would be written over.
type rewriter struct {
	t       *tree
	free    *freelist // of the revision that there is
	gone    []uint64  // pages that the next one does not use
	scratch *scratch
}

// root applies changes, in order and at least one, and returns the new root.
func (r *rewriter) root(changes []change) (element, error) {
	n, err := r.change(r.t.top(), changes)
	if err != nil {
		return element{}, err
	}
	top := element{node: n}
	for top.node != nil && top.node.flag == branchFlag && len(top.node.of) == 1 {
		top = top.node.of[0]
	}
	if top.node != nil && len(top.node.of) == 0 {
		return top, damaged("its last record, which nobody deletes, is gone")
	}
	return top, nil
}

// change makes a page anew, with changes that belong on it or below.
func (r *rewriter) change(at limits, changes []change) (*node, error) {
	p, err := r.t.load(at)
	if err != nil {
		return nil, err
	}
	if p.leaf {
		return r.changeLeaf(p, changes)
	}
	n, err := r.replace(p)
	if err != nil {
		return nil, err
	}
	for len(changes) > 0 {
		i := p.enter([]byte(changes[0].key))
		below := at.child(p, i)
		end := 1
		for end < len(changes) && changes[end].key < string(below.high) {
			end++
		}
		if n.of[i].node, err = r.change(below, changes[:end]); err != nil {
			return nil, err
		}
		changes = changes[end:]
	}
	return n, r.join(n, at.depth+1, at.high)
}

// changeLeaf merges a leaf's records with changes.
func (r *rewriter) changeLeaf(p *page, changes []change) (*node, error) {
	if err := r.remove(p.id, p.span); err != nil {
		return nil, err
	}
	if err := r.endsAfter(p, changes); err != nil {
		return nil, err
	}
	stored, err := p.appendTo(r.scratch.elements(len(p.items)))
	if err != nil {
		return nil, err
	}
	all := r.scratch.elements(len(stored) + len(changes))
	for i, key := range new(keyBytes).gather(changes) {
		n := p.first(key) - (len(p.items) - len(stored)) // so many come before
		all, stored = append(all, stored[:n]...), stored[n:]
		if len(stored) > 0 && bytes.Equal(stored[0].key, key) {
			stored = stored[1:]
		}
		if changes[i].value != nil {
			all = append(all, element{key: key, value: changes[i].value})
		}
	}
	return &node{leafFlag, append(all, stored...)}, nil
}

// keyBytes are the keys of changes, in one piece of memory.
type keyBytes struct {
	all []byte
	of  [][]byte
}

// gather gives the keys of changes, in the memory of those that it gave before.
func (k *keyBytes) gather(changes []change) [][]byte {
	size := 0
	for i := range changes {
		size += len(changes[i].key)
	}
	k.all, k.of = slices.Grow(k.all[:0], size), slices.Grow(k.of[:0], len(changes))
	for i := range changes {
		from := len(k.all)
		k.all = append(k.all, changes[i].key...)
		k.of = append(k.of, k.all[from:])
	}
	return k.of
}

// endsAfter checks that changes behind a leaf's last record belong in it: that
// is so if the branch above is right about what comes next.
func (r *rewriter) endsAfter(p *page, changes []change) error {
	last, key := len(p.items)-1, changes[len(changes)-1].key
	if key <= string(p.items[last].key) {
		return nil
	}
	return r.t.endsAt(p, last, []byte(key))
}

// join puts each child of a branch that has become small together with a
// neighbour, and drops those of which nothing is left. The children are at this
// depth, and all their keys less than high.
func (r *rewriter) join(n *node, depth int, high []byte) error {
	of := n.of[:0]
	for i := range n.of {
		e, next := n.of[i], keyAt(n.of, i+1, high)
		if e.node == nil || !e.node.small() {
			of = append(of, e)
			continue
		}
		if len(e.node.of) == 0 {
			continue
		}
		if len(of) > 0 {
			left := &of[len(of)-1]
			if ok, err := r.open(left, depth, e.key, e.node.flag); err != nil {
				return err
			} else if ok {
				if err := r.merge(left.node, left.node.of, e.node.of, depth, next); err != nil {
					return err
				}
				continue
			}
		}
		if i+1 < len(n.of) {
			right, next := &n.of[i+1], keyAt(n.of, i+2, high)
			if ok, err := r.open(right, depth, next, e.node.flag); err != nil {
				return err
			} else if ok {
				if err := r.merge(right.node, e.node.of, right.node.of, depth, next); err != nil {
					return err
				}
				right.key = e.key
				continue
			}
		}
		of = append(of, e)
	}
	n.of = of
	return nil
}

// keyAt is the key of an element, or a bound if there is no such element.
func keyAt(of []element, i int, bound []byte) []byte {
	if i < len(of) {
		return of[i].key
	}
	return bound
}

// merge makes one node of the elements of two, which are at this depth. What was
// an only child may have a neighbour now.
func (r *rewriter) merge(n *node, left, right []element, depth int, high []byte) error {
	n.of = slices.Concat(left, right)
	if n.flag == leafFlag {
		return nil
	}
	return r.join(n, depth+1, high)
}

// open has a neighbour made anew, which is to be put together with a node of this
// kind; not if it takes several pages.
func (r *rewriter) open(e *element, depth int, high []byte, flag uint16) (bool, error) {
	if e.node == nil {
		p, err := r.t.load(limits{id: e.child, depth: depth, low: e.key, high: high})
		if err != nil || p.span > 1 {
			return false, err
		}
		if e.node, err = r.replace(p); err != nil {
			return false, err
		}
	}
	if e.node.flag != flag {
		return false, damaged("its leaves are at two depths")
	}
	return true, nil
}

// spareElements is room for children that are cut.
const spareElements = 4

// replace is a page as the node to come in its place.
func (r *rewriter) replace(p *page) (*node, error) {
	if err := r.remove(p.id, p.span); err != nil {
		return nil, err
	}
	n := &node{flag: branchFlag}
	if p.leaf {
		n.flag = leafFlag
	}
	var err error
	n.of, err = p.appendTo(r.scratch.elements(len(p.items) + spareElements))
	return n, err
}

// appendTo appends a page's elements.
func (p *page) appendTo(all []element) ([]element, error) {
	for i := range p.items {
		it := &p.items[i]
		e := element{key: it.key, child: it.child}
		if p.leaf {
			var err error
			if e.value, err = p.bytes(it.at, it.size); err != nil {
				return nil, err
			}
		}
		all = append(all, e)
	}
	return all, nil
}

// remove notes pages that the next revision does not use.
func (r *rewriter) remove(id, span uint64) error {
	if r.free.has(id, span) {
		return damaged("page %d is in use and in the list of free pages", id)
	}
	for i := range span {
		r.gone = append(r.gone, id+i)
	}
	return nil
}

// removed returns them, ascending.
func (r *rewriter) removed() ([]uint64, error) {
	slices.Sort(r.gone)
	for i := 1; i < len(r.gone); i++ {
		if r.gone[i] == r.gone[i-1] {
			return nil, damaged("page %d is used twice", r.gone[i])
		}
	}
	return r.gone, nil
}
