package filestore

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"filehsm/hsmfile/internal/store"
)

// TestTogether: transactions that lay all pages anew, between others that bbolt
// makes, in one Hold and each by itself: after each the image is whole, to us
// and to bbolt, and has what a map has. Values of many pages must find room
// between pages that are in use.
func TestTogether(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	s := newStore(t, func(w store.Writer) error { return putMany(w, 300, plainValue) })
	want := map[string]string{}
	if err := s.View(t.Context(), func(r store.Reader) error {
		return r.Scan("", "", func(key string, value []byte) error { want[key] = string(value); return nil })
	}); err != nil {
		t.Fatal(err)
	}
	apply := func(count int) func(w store.Writer) error {
		return func(w store.Writer) error { return putSome(w, random, count, want) }
	}
	for round, count := range []int{20, 2 * manyChanges, 30, 5 * manyChanges, 10} {
		before := rawImage(t, s)
		var err error
		if round%2 == 0 {
			err = s.Update(t.Context(), apply(count))
		} else {
			err = s.Hold(t.Context(), func(held store.Transactor) error {
				for _, n := range []int{5, count, 5} {
					if err := held.Update(t.Context(), apply(n)); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err != nil {
			t.Fatal(err)
		}
		mustCheck(t, s)
		compareWithMap(t, s, want)
		compareWithBolt(t, s)
		if count > manyChanges && len(rawImage(t, s)) < len(before)+count*50 {
			t.Errorf("%d records took only %d bytes", count, len(rawImage(t, s))-len(before))
		}
	}
	mustScrub(t, s)
	compareWithBolt(t, s)
}

// putSome puts, replaces and deletes.
func putSome(w store.Writer, random *rand.Rand, count int, want map[string]string) error {
	for range count {
		key := fmt.Sprintf("k/%05d", random.IntN(3*manyChanges))
		size := 1 + random.IntN(200)
		if random.IntN(200) == 0 {
			size = random.IntN(5 * pageSize)
		}
		var err error
		if value := strings.Repeat("+", size); random.IntN(4) > 0 && value != "" {
			want[key], err = value, w.Put(key, []byte(value))
		} else {
			delete(want, key)
			err = w.Delete(key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// TestTogetherOnlyWhereItPays: a few changes, and many among very many records,
// are bbolt's: most leaves stay where they are.
func TestTogetherOnlyWhereItPays(t *testing.T) {
	s := newStore(t, func(w store.Writer) error { return putRun(w, 0, (storedToThem+1)*manyChanges) })
	for what, tc := range map[string]struct {
		from, to int
		stay     bool
	}{
		"few":              {1_000_000, 1_000_000 + manyChanges - 1, true},
		"many among more":  {2_000_000, 2_000_000 + manyChanges, true},
		"many among fewer": {3_000_000, 3_000_000 + 4*manyChanges, false},
	} {
		before := leavesOf(t, s)
		mustUpdate(t, s, func(w store.Writer) error { return putRun(w, tc.from, tc.to) })
		after, stay := leavesOf(t, s), 0
		for _, id := range before {
			if slices.Contains(after, id) {
				stay++
			}
		}
		if stay*10 < len(before)*9 == tc.stay {
			t.Errorf("%s: %d of %d leaves stay where they are", what, stay, len(before))
		}
	}
}

// TestTogetherDamaged: what the image does not use is found out before anything
// is written, and a damaged record page as well.
func TestTogetherDamaged(t *testing.T) {
	for _, damage := range []string{"a leaf", "the list of free pages"} {
		s := newStore(t, func(w store.Writer) error { return putMany(w, 300, plainValue) })
		mustUpdate(t, s, func(w store.Writer) error { return w.Put("k/00000", []byte("again")) })
		raw := rawImage(t, s)
		file, err := os.Open(s.path)
		if err != nil {
			t.Fatal(err)
		}
		newest, _, err := readMetas(file, false)
		file.Close()
		if err != nil {
			t.Fatal(err)
		}
		at := newest.freelist
		if damage == "a leaf" {
			at = uint64(leavesOf(t, s)[1])
		}
		raw[at*pageSize+10]++ // one element more
		if err := os.WriteFile(s.path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := s.Update(t.Context(), func(w store.Writer) error { return putRun(w, 0, manyChanges) }); err == nil {
			t.Errorf("%s was damaged, and all was laid anew", damage)
		}
		if string(rawImage(t, s)) != string(raw) {
			t.Errorf("%s was damaged, and the image was written", damage)
		}
	}
}

// TestLayManyFree: a list of more free pages than its header can count.
func TestLayManyFree(t *testing.T) {
	s := newStore(t, nil)
	file, err := os.OpenFile(s.path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	const pages = manyFree + 1000
	if err := file.Truncate(pages * pageSize); err != nil { // a hole
		t.Fatal(err)
	}
	newest, _, err := readMetas(file, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := layAnew(newLayer(file, make(pageSet, pages)), []change{{key: "k", value: []byte("v")}}, newest.txid+1); err != nil {
		t.Fatal(err)
	}
	mustCheck(t, s)
	compareWithBolt(t, s)
	mustUpdate(t, s, func(w store.Writer) error { return putRun(w, 0, 10) })
	mustCheck(t, s)
	compareWithBolt(t, s)
	want := map[string]string{"k": "v"}
	for i := range 10 {
		want[fmt.Sprintf("s/%08d", i)] = string(make([]byte, 200))
	}
	compareWithMap(t, s, maps.Clone(want))
}
