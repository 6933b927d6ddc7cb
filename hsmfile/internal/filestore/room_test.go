package filestore

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"filehsm/hsmfile/internal/store"
)

func TestRoom(t *testing.T) {
	for name, tc := range map[string]struct {
		free  []uint64
		pages uint64 // that are wanted, about
		spans []uint64
		want  []uint64
	}{
		"nothing free":           {nil, 2, []uint64{1, 3, 1}, []uint64{50, 51, 54}},
		"the first run":          {[]uint64{3, 5, 6, 8, 9, 10, 12}, 3, []uint64{1, 1, 1}, []uint64{8, 9, 10}},
		"then on, and round":     {[]uint64{3, 5, 6, 8}, 2, []uint64{1, 1, 1, 1, 1}, []uint64{5, 6, 8, 3, 50}},
		"the longest":            {[]uint64{3, 5, 6, 8}, 9, []uint64{1, 1}, []uint64{5, 6}},
		"a long one behind":      {[]uint64{3, 4, 6, 7, 8}, 3, []uint64{1, 2, 2, 2}, []uint64{6, 7, 3, 50}},
		"a long one from inside": {[]uint64{3, 5, 7, 8, 9, 11}, 1, []uint64{3, 1, 1, 2, 1}, []uint64{7, 3, 5, 50, 11}},
	} {
		r := newRoom(tc.free, 50, tc.pages)
		var got []uint64
		for _, span := range tc.spans {
			got = append(got, r.take(span))
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: took %d, want %d", name, got, tc.want)
		}
	}
}

// TestRoomTakesNothingTwice: whatever is taken, in any order, was free and not
// taken before, and what is left is the rest, in order.
func TestRoomTakesNothingTwice(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for range 2000 {
		const mark = 200
		var free []uint64
		for id := uint64(2); id < mark; id++ {
			if random.IntN(3) == 0 {
				free = append(free, id)
			}
		}
		list := slices.Clone(free)
		r, taken := newRoom(free, mark, uint64(random.IntN(12))), map[uint64]bool{}
		for range random.IntN(60) {
			span := uint64(1 + random.IntN(4)*random.IntN(2))
			for id, i := r.take(span), uint64(0); i < span; i++ {
				if taken[id+i] || id+i < mark && !slices.Contains(list, id+i) || id+i >= r.mark {
					t.Fatalf("page %d was not free", id+i)
				}
				taken[id+i] = true
			}
		}
		var left []uint64
		for _, id := range list {
			if !taken[id] {
				left = append(left, id)
			}
		}
		if got := slices.Concat(r.behind, r.ahead); !slices.Equal(got, left) {
			t.Fatalf("left are %d, want %d", got, left)
		}
	}
}

// TestNoGrowth: an image whose records are replaced thousands of times stays as
// large as it is, whether its list of free pages is short or takes many pages.
func TestNoGrowth(t *testing.T) {
	for name, tc := range map[string]struct {
		records, perCommit, value, commits int
	}{
		"short list":         {300, 1, 500, 4000},
		"some at once":       {300, 40, 500, 4000},
		"a list of pages":    {40_000, 1, 500, 4000},
		"values over a page": {300, 3, pageSize + 500, 4000},
	} {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(9, 9))
			path := fastDir(t) + "/growth.hsm"
			if err := Create(t.Context(), path, func(store.Writer) error { return nil }); err != nil {
				t.Fatal(err)
			}
			s := mustOpen(t, path)
			replace := func(w store.Writer, count int) error {
				for range count {
					key := fmt.Sprintf("k/%05d", random.IntN(tc.records))
					if err := w.Put(key, make([]byte, 1+random.IntN(tc.value))); err != nil {
						return err
					}
				}
				return nil
			}
			for range 6 {
				mustUpdate(t, s, func(w store.Writer) error { return replace(w, 2*tc.records) })
			}
			var before, after int64
			for i := range tc.commits {
				mustUpdate(t, s, func(w store.Writer) error { return replace(w, tc.perCommit) })
				info, err := os.Stat(s.path)
				if err != nil {
					t.Fatal(err)
				}
				if after = info.Size(); i == tc.commits/4 {
					before = after
				}
			}
			if after > before+before/50 {
				t.Errorf("it went from %d to %d bytes", before, after)
			}
			mustCheck(t, s)
			t.Logf("%d bytes, then %d, with %d pages in the list of free ones", before, after, freeSpan(t, s))
		})
	}
}

func freeSpan(t *testing.T, s *Store) (span uint64) {
	t.Helper()
	err := s.session(t.Context(), false, func(h *session) error {
		at, err := h.tree()
		if err == nil {
			_, err = at.freePages()
		}
		if err == nil {
			span = at.free.span
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return span
}

// TestManyFree: a list of more free pages than its header can count.
func TestManyFree(t *testing.T) {
	s := newStore(t, put("k", "v"))
	raw := rawImage(t, s)
	at := *newestOf(t, raw)
	free := &freelist{}
	const pages = manyFree + 1000
	for id := at.pages; id < pages; id++ {
		free.ids = append(free.ids, id)
	}
	if err := os.Truncate(s.path, pages*pageSize); err != nil { // a hole
		t.Fatal(err)
	}
	err := s.session(t.Context(), true, func(h *session) error {
		tr, err := h.tree()
		if err != nil {
			return err
		}
		tr.meta.pages, free.span = pages, 1
		tr.free = free
		_, err = commit(synced{h.file}, tr, []change{{key: "l", value: []byte("v")}}, new(scratch))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	mustCheck(t, s)
	compareWithBolt(t, s)
	mustUpdate(t, s, func(w store.Writer) error { return putRun(w, 0, 10) })
	mustCheck(t, s)
	compareWithBolt(t, s)
	if n := freeSpan(t, s); n < manyFree*8/pageSize {
		t.Errorf("the list takes %d pages", n)
	}
}
