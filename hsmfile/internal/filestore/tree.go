package filestore

import (
	"bytes"
	"errors"
	"io"

	"filehsm/hsmfile/internal/store"
)

// bucketName is the one bucket with all records.
const bucketName = "records"

// maxDepth is far deeper than any tree that fits a file: each level has at
// least twice the pages of the one above.
const maxDepth = 48

// tree reads the records of one revision.
//
// Every page is read into a slice and checked (page.go), each key has to lie in
// the range that the branches above it give, and no two ranges overlap: so no
// walk meets a page twice, and each ends. (bbolt maps the file and follows
// whatever it finds: a wrong offset makes it return other parts of our memory, a
// loop of pages overflows its stack, and neither can be recovered from.)
type tree struct {
	file      io.ReaderAt
	meta      *meta
	before    *meta     // of the revision before; nil if it is damaged
	free      *freelist // nil: not read yet
	heldBack  []uint64  // what the revision before uses of these; nil: not known, but from before
	unsure    bool      // a sync has failed since: it may be on no disk
	root      uint64
	directory *page // that of the bucket
	branches  map[uint64]*page
	leaves    map[uint64]*page // some, for what looks up neighbouring keys
	over      bool
	spare     *spare // pages whose memory serves again; nil: there is none
	kept      kept   // if it is from an earlier transaction
}

// limits say where a page hangs in its tree: its depth and the range of keys
// that belong below it, low included, high not.
type limits struct {
	id        uint64
	depth     int
	low, high []byte
}

func openTree(file io.ReaderAt, m *meta) (*tree, error) { return newTree(file, m, nil) }

func newTree(file io.ReaderAt, m *meta, spare *spare) (*tree, error) {
	t := &tree{file: file, meta: m, branches: map[uint64]*page{}, leaves: map[uint64]*page{}, spare: spare}
	p := t.blank()
	if err := p.read(file, m.root, m); err != nil {
		return nil, err
	}
	return t, t.begin(p)
}

// begin takes what the directory says.
func (t *tree) begin(p *page) error {
	if !p.leaf || p.span != 1 || len(p.items) != 1 || !p.items[0].bucket ||
		string(p.items[0].key) != bucketName || p.items[0].size != 16 {
		return damaged("it has no bucket %q", bucketName)
	}
	b, err := p.bytes(p.items[0].at, p.items[0].size)
	if err != nil {
		return err
	}
	t.root, t.directory = order.Uint64(b), p
	return nil
}

// freePages returns the list of free pages.
func (t *tree) freePages() (*freelist, error) {
	if t.free == nil {
		list, err := readFreelist(t.file, t.meta)
		if err != nil {
			return nil, err
		}
		t.free = list
	}
	return t.free, nil
}

func (t *tree) top() limits { return limits{id: t.root, high: behindAll} }

// behindAll is greater than every key, the filler's included.
var behindAll = []byte(fillerKey + "\x00")

// child returns the limits of a branch's child.
func (l limits) child(p *page, i int) limits {
	c := limits{id: p.items[i].child, depth: l.depth + 1, low: p.items[i].key, high: l.high}
	if i+1 < len(p.items) {
		c.high = p.items[i+1].key
	}
	return c
}

// load reads a page, unless it is at hand, and checks that it belongs where it
// hangs.
func (t *tree) load(at limits) (*page, error) {
	if p := t.atHand(at.id); p != nil {
		return p, p.belongs(at)
	}
	p, err := t.loadInto(t.blank(), at)
	if err == nil && p.leaf && len(t.leaves) < keptLeaves {
		t.leaves[p.id] = p
	}
	return p, err
}

func (t *tree) atHand(id uint64) *page {
	if p := t.branches[id]; p != nil {
		return p
	}
	return t.leaves[id]
}

// loadInto is load for a page to be read into another's memory, unless it is at
// hand.
func (t *tree) loadInto(blank *page, at limits) (*page, error) {
	if p := t.atHand(at.id); p != nil {
		return p, p.belongs(at)
	}
	if err := blank.read(t.file, at.id, t.meta); err != nil {
		return nil, err
	}
	if err := blank.belongs(at); err != nil {
		return nil, err
	}
	if !blank.leaf {
		own := *blank
		t.branches[own.id], *blank = &own, page{} // its memory is not for others any more
		return &own, nil
	}
	return blank, blank.checkRecords()
}

// belongs checks that a page is where its keys belong. The key in the branch
// above is the page's first key, to the letter: one that is only less would send
// a look-up into the wrong page.
func (p *page) belongs(at limits) error {
	first, last := p.items[0].key, p.items[len(p.items)-1].key
	if at.depth > maxDepth || at.low != nil && !bytes.Equal(first, at.low) || bytes.Compare(last, at.high) >= 0 {
		return damaged("page %d hangs in the wrong place", p.id)
	}
	return nil
}

// checkRecords checks what a leaf of the bucket may hold: records, and the
// filler behind them all.
func (p *page) checkRecords() error {
	for _, it := range p.items {
		isFiller := string(it.key) == fillerKey
		if it.bucket || len(it.key) > store.MaxKey && !isFiller || isFiller && it.size != fillerSize {
			return damaged("page %d has something else than a record", p.id)
		}
	}
	return nil
}

// ascend calls fn for each record from key on, filler included. load gives it
// the pages.
func (t *tree) ascend(load func(limits) (*page, error), at limits, from []byte, fn func(p *page, i int) error) error {
	p, err := load(at)
	if err != nil {
		return err
	}
	for i := p.enter(from); i < len(p.items); i++ {
		if p.leaf {
			err = fn(p, i)
		} else {
			err = t.ascend(load, at.child(p, i), from, fn)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// below finds the last record whose key is less than bound; a nil page if
// there is none.
func (t *tree) below(at limits, bound []byte) (*page, int, error) {
	p, err := t.load(at)
	if err != nil {
		return nil, 0, err
	}
	for i := p.first(bound) - 1; i >= 0; i-- {
		if p.leaf {
			return p, i, t.endsAt(p, i, bound)
		}
		if q, j, err := t.below(at.child(p, i), bound); err != nil || q != nil {
			return q, j, err
		}
	}
	return nil, 0, nil
}

// endsAt checks what a look-up has found in a leaf by not finding more: that
// its record i is the last below bound. Where that is the leaf's last one, it is
// so only if the branch above says rightly what comes next, and that shows when
// what comes next is read.
func (t *tree) endsAt(p *page, i int, bound []byte) error {
	if i < len(p.items)-1 {
		return nil
	}
	err := t.ascend(t.load, t.top(), bound, func(*page, int) error { return store.ErrStop })
	if errors.Is(err, store.ErrStop) {
		return nil
	}
	return err
}

var errOver = errors.New("transaction is over")

func (t *tree) end() { t.over = true }

func (t *tree) Get(key string) ([]byte, error) {
	if t.over {
		return nil, errOver
	}
	p, i, err := t.find(key)
	if err != nil || p == nil {
		return nil, err
	}
	return p.value(i)
}

// find returns where the record is; a nil page if there is none.
func (t *tree) find(key string) (*page, int, error) {
	if key == "" || len(key) > store.MaxKey {
		return nil, 0, nil
	}
	for at := t.top(); ; {
		p, err := t.load(at)
		if err != nil {
			return nil, 0, err
		}
		i := p.enter([]byte(key))
		if p.leaf {
			t.cacheLeaf(p)
		}
		switch {
		case !p.leaf:
			at = at.child(p, i)
		case i < len(p.items) && string(p.items[i].key) == key:
			return p, i, nil
		default:
			return nil, 0, t.endsAt(p, i-1, []byte(key))
		}
	}
}

func (t *tree) Scan(prefix, after string, fn func(key string, value []byte) error) error {
	return t.each(t.load, prefix, after, func(p *page, i int) error {
		value, err := t.own(p, i)
		if err != nil {
			return err
		}
		return fn(string(p.items[i].key), value)
	})
}

// Walk reads each leaf into the memory of the one before.
func (t *tree) Walk(prefix, after string, fn func(key, value []byte) error) error {
	blank := new(page)
	load := func(at limits) (*page, error) { return t.loadInto(blank, at) }
	return t.each(load, prefix, after, func(p *page, i int) error {
		value, err := p.bytes(p.items[i].at, p.items[i].size)
		if err != nil {
			return err
		}
		return fn(p.items[i].key, value)
	})
}

// each calls fn for the records of a Scan, until it says store.ErrStop.
func (t *tree) each(load func(limits) (*page, error), prefix, after string, fn func(p *page, i int) error) error {
	if t.over {
		return errOver
	}
	err := t.ascend(load, t.top(), []byte(max(prefix, after)), func(p *page, i int) error {
		key := p.items[i].key
		if string(key) == after {
			return nil
		}
		if string(key) == fillerKey || !bytes.HasPrefix(key, []byte(prefix)) {
			return store.ErrStop
		}
		return fn(p, i)
	})
	if errors.Is(err, store.ErrStop) {
		return nil
	}
	return err
}

// own is the value of record i for the caller to keep. That of a page which
// nobody looks at again need not be copied.
func (t *tree) own(p *page, i int) ([]byte, error) {
	if t.leaves[p.id] != nil {
		return p.value(i)
	}
	return p.bytes(p.items[i].at, p.items[i].size)
}

func (t *tree) Last(prefix string) (string, []byte, error) {
	return t.lastBelow(prefix, successor(prefix))
}

// lastBelow is Last among the keys less than bound.
func (t *tree) lastBelow(prefix, bound string) (string, []byte, error) {
	if t.over {
		return "", nil, errOver
	}
	p, i, err := t.below(t.top(), []byte(bound))
	if err != nil || p == nil || !bytes.HasPrefix(p.items[i].key, []byte(prefix)) {
		return "", nil, err
	}
	value, err := p.value(i)
	return string(p.items[i].key), value, err
}

// successor returns the least key greater than all that begin with prefix.
func successor(prefix string) string {
	for n := len(prefix) - 1; n >= 0; n-- {
		if prefix[n] != 0xff {
			return prefix[:n] + string([]byte{prefix[n] + 1})
		}
	}
	return fillerKey
}
