package filestore

// scratch is memory of a commit that serves the next one: a loop of small ones
// would spend as much on making it anew as on what it does with it.
type scratch struct {
	slab   []element // not taken yet
	whole  []element
	buffer []byte
}

// What a scratch holds on to: elements for the dozen pages of a small commit,
// and, in bytes, those pages with a long list of free ones.
const (
	keptElements = 4096
	keptBuffer   = 128 * pageSize
)

// elements returns room for n elements, none taken yet.
func (s *scratch) elements(n int) []element {
	if n > len(s.slab) {
		s.slab = make([]element, max(n, keptElements))
		s.whole = s.slab
	}
	of := s.slab[:0:n]
	s.slab = s.slab[n:]
	return of
}

// takeScratch gives one commit the memory of the one before.
func (s *Store) takeScratch() *scratch {
	if kept := s.scratch.Swap(nil); kept != nil {
		return kept
	}
	return new(scratch)
}

// keepScratch is the end of that commit. What it knew of the records is
// forgotten.
func (s *Store) keepScratch(used *scratch) {
	if len(used.whole) > keptElements || cap(used.buffer) > keptBuffer {
		return
	}
	clear(used.whole[:len(used.whole)-len(used.slab)])
	used.slab = used.whole
	s.scratch.Store(used)
}
