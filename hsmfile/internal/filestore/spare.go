package filestore

import "sync"

// spare is memory of pages that nobody looks at any more. A sync.Pool would be
// shorter, but keeps the whole store alive for two rounds of the garbage
// collector: a program that opens many would never stop growing.
type spare struct {
	mu    sync.Mutex
	pages []*page
}

// maxSpare bounds what lies idle, in pages: a small commit reads a dozen.
const maxSpare = 2 * keptLeaves

func (s *spare) get() *page {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.pages)
	if n == 0 {
		return new(page)
	}
	p := s.pages[n-1]
	s.pages = s.pages[:n-1]
	return p
}

func (s *spare) put(p *page) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pages) < maxSpare {
		s.pages = append(s.pages, p)
	}
}

// blank is memory for one more page.
func (t *tree) blank() *page {
	if t.spare == nil {
		return new(page)
	}
	return t.spare.get()
}

// recycle has a page's memory serve another. What was read of a page that is at
// hand is the reader's own copy (own): a small commit reads a dozen pages, and to
// make room for them anew costs as much as to read them.
func (t *tree) recycle(p *page) {
	if t.spare != nil && p != nil && p.head != nil {
		t.spare.put(p)
	}
}

// drop ends a transaction of which nothing is kept.
func (t *tree) drop() {
	t.end()
	t.recycle(t.directory)
	for _, pages := range []map[uint64]*page{t.branches, t.leaves} {
		for _, p := range pages {
			t.recycle(p)
		}
		clear(pages)
	}
}
