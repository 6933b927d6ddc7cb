package filestore

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"filehsm/hsmfile/internal/store"
)

// TestLay: an image of records of every size that a store takes, as many as
// fill no page, one, and three levels of them, is one that bbolt finds right,
// reads the same records in, and goes on with.
func TestLay(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	sizes := map[string]func() int{
		"tiny":  func() int { return 1 },
		"small": func() int { return 1 + random.IntN(400) },
		"page":  func() int { return pageSize - headerSize - elementSize - store.MaxKey + random.IntN(3) - 1 },
		"large": func() int { return 1 + random.IntN(5*pageSize) },
		"whole": func() int { return store.MaxValue },
	}
	for name, size := range sizes {
		for _, keySize := range []int{8, store.MaxKey} {
			for _, count := range []int{0, 1, 2, 14, 15, 16, 100, 199, 600} {
				if name == "whole" && count > 2 {
					continue
				}
				t.Run(fmt.Sprint(name, " ", keySize, " ", count), func(t *testing.T) { layAndGoOn(t, count, keySize, size) })
			}
		}
	}
}

func layAndGoOn(t *testing.T, count, keySize int, size func() int) {
	want := map[string]string{}
	s := newStore(t, func(w store.Writer) error {
		for i := range count {
			key := fmt.Sprintf("%0*d", keySize, i*7)
			want[key] = strings.Repeat("v", size())
			if err := w.Put(key, []byte(want[key])); err != nil {
				return err
			}
		}
		return nil
	})
	mustCheck(t, s)
	compareWithMap(t, s, want)
	compareWithBolt(t, s)
	mustUpdate(t, s, func(w store.Writer) error {
		for i, key := range slices.Sorted(maps.Keys(want)) {
			if i%3 > 0 { // enough for pages to be put together
				delete(want, key)
				if err := w.Delete(key); err != nil {
					return err
				}
			}
		}
		want["x"] = "y"
		return w.Put("x", []byte("y"))
	})
	mustScrub(t, s)
	compareWithMap(t, s, want)
	compareWithBolt(t, s)
}

// TestLayBranches: every branch has two children at least, whatever the number
// of leaves: a tree of n pages has no more levels than that allows.
func TestLayBranches(t *testing.T) {
	perBranch := 0
	for count := 1; count < 60; count++ {
		s := newStore(t, func(w store.Writer) error {
			for i := range count { // one a leaf
				if err := w.Put(fmt.Sprintf("%0*d", store.MaxKey, i), make([]byte, pageSize)); err != nil {
					return err
				}
			}
			return nil
		})
		mustCheck(t, s)
		err := s.View(t.Context(), func(r store.Reader) error {
			err := r.Walk("", "", func(_, _ []byte) error { return nil })
			for _, p := range r.(*tree).branches {
				if perBranch = max(perBranch, len(p.items)); len(p.items) < 2 {
					t.Errorf("%d leaves: branch %d has %d children", count+1, p.id, len(p.items))
				}
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	if perBranch < 10 || perBranch > 20 {
		t.Errorf("a branch has %d children at the most: this test was made for some 15", perBranch)
	}
}

// TestLaySpare: neither meta page's damage costs a record of a new image.
func TestLaySpare(t *testing.T) {
	s := newStore(t, func(w store.Writer) error { return putMany(w, 300, plainValue) })
	want := allRecords(t, s)
	spoilNewestMeta(t, s)
	previous, err := Open(s.path, Options{AcceptPrevious: true})
	if err != nil {
		t.Fatal(err)
	}
	if allRecords(t, previous) != want {
		t.Error("the older meta page has other records")
	}
}
