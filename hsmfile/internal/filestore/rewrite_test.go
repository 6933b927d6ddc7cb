package filestore

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"filehsm/hsmfile/internal/store"
)

// TestRewriteMany: transactions of very many changes, between others of few, in
// one Hold and each by itself: after each the image is whole, to us and to bbolt,
// and has what a map has.
func TestRewriteMany(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	s := newStore(t, func(w store.Writer) error { return putMany(w, 300, plainValue) })
	want := map[string]string{}
	for i := range 300 {
		want[fmt.Sprintf("k/%05d", i)] = string(plainValue(i))
	}
	apply := func(count int) func(w store.Writer) error {
		return func(w store.Writer) error { return putSome(w, random, count, want) }
	}
	for _, counts := range [][]int{{20}, {5, 20_000, 5}, {30}, {5, 50_000, 5}, {10}} {
		err := s.Hold(t.Context(), func(held store.Transactor) error {
			for _, n := range counts {
				if err := held.Update(t.Context(), apply(n)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		mustCheck(t, s)
		checkShape(t, s)
		compareWithMap(t, s, want)
		compareWithBolt(t, s)
	}
	mustScrub(t, s)
	compareWithBolt(t, s)
}

// putSome puts, replaces and deletes.
func putSome(w store.Writer, random *rand.Rand, count int, want map[string]string) error {
	for range count {
		key := fmt.Sprintf("k/%05d", random.IntN(30_000))
		size := 1 + random.IntN(200)
		if random.IntN(200) == 0 {
			size = 1 + random.IntN(5*pageSize)
		}
		var err error
		if value := strings.Repeat("+", size); random.IntN(4) > 0 {
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

// checkShape: all leaves are at one depth, and a branch has two children at
// least.
func checkShape(t *testing.T, s *Store) (pages int) {
	t.Helper()
	depths := map[int]bool{}
	var walk func(tr *tree, at limits) error
	walk = func(tr *tree, at limits) error {
		p, err := tr.load(at)
		if err != nil {
			return err
		}
		pages++
		if p.leaf {
			depths[at.depth] = true
			return nil
		}
		if len(p.items) < 2 {
			t.Errorf("branch %d has %d children", p.id, len(p.items))
		}
		for i := range p.items {
			if err := walk(tr, at.child(p, i)); err != nil {
				return err
			}
		}
		return nil
	}
	err := s.View(t.Context(), func(r store.Reader) error { return walk(r.(*tree), r.(*tree).top()) })
	if err != nil || len(depths) != 1 {
		t.Errorf("leaves at depths %v, %v", slices.Sorted(maps.Keys(depths)), err)
	}
	return pages
}

// TestRewriteStays: one change makes no leaf anew but its own.
func TestRewriteStays(t *testing.T) {
	s := newStore(t, func(w store.Writer) error { return putMany(w, 2000, plainValue) })
	before := leavesOf(t, s)
	mustUpdate(t, s, put("k/01000", "new"))
	after, stay := leavesOf(t, s), 0
	for _, id := range before {
		if slices.Contains(after, id) {
			stay++
		}
	}
	if stay != len(before)-1 || len(after) != len(before) {
		t.Errorf("of %d leaves %d stay, and there are %d", len(before), stay, len(after))
	}
}

// TestRewriteShrinks: of records deleted one by one, in any order, no pages are
// left that hold next to nothing, and in the end there is one.
func TestRewriteShrinks(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	const count = 3000
	s := newStore(t, func(w store.Writer) error { return putMany(w, count, plainValue) })
	sequence := random.Perm(count)
	for left := count; left > 0; {
		gone := min(left, 1+random.IntN(40))
		mustUpdate(t, s, func(w store.Writer) error {
			for _, i := range sequence[left-gone : left] {
				if err := w.Delete(fmt.Sprintf("k/%05d", i)); err != nil {
					return err
				}
			}
			return nil
		})
		left -= gone
		size := 0
		for _, i := range sequence[:left] {
			size += elementSize + len("k/00000") + len(plainValue(i))
		}
		if pages := checkShape(t, s); pages > 4*size/pageSize+3 {
			t.Errorf("%d bytes of records are on %d pages", size, pages)
		}
	}
	mustCheck(t, s)
	if leaves := checkShape(t, s); leaves != 1 {
		t.Errorf("nothing is on %d pages", leaves)
	}
	compareWithBolt(t, s)
}

// TestRewriteBeside: a value of many pages is not written again for the sake of
// a neighbour that has become small.
func TestRewriteBeside(t *testing.T) {
	s := newStore(t, func(w store.Writer) error {
		return errors.Join(w.Put("a", []byte("1")), w.Put("b", make([]byte, store.MaxValue)), putMany(w, 40, plainValue))
	})
	r := new(recorder)
	if err := commitTo(t, s, []change{{key: "a", value: []byte("2")}}, func(*os.File) medium { return r }); err != nil {
		t.Fatal(err)
	}
	size := 0
	for _, w := range r.writes {
		size += len(w.b)
	}
	if size > 20*pageSize {
		t.Errorf("one byte took %d", size)
	}
}

// TestRewriteDamaged: what a commit would spoil further is found out before
// anything is written.
func TestRewriteDamaged(t *testing.T) {
	for what, spoil := range map[string]func(t *testing.T, s *Store, raw []byte, leaves []int){
		"a leaf": func(t *testing.T, s *Store, raw []byte, leaves []int) {
			raw[leaves[1]*pageSize+10]++ // one element more
		},
		"the list of free pages": func(t *testing.T, s *Store, raw []byte, leaves []int) {
			raw[newestOf(t, raw).freelist*pageSize+10] += 200
		},
		"a leaf on the list": func(t *testing.T, s *Store, raw []byte, leaves []int) {
			list := raw[newestOf(t, raw).freelist*pageSize:]
			order.PutUint16(list[10:], 1)
			order.PutUint64(list[headerSize:], uint64(leaves[1]))
		},
		"the directory on the list": func(t *testing.T, s *Store, raw []byte, leaves []int) {
			list := raw[newestOf(t, raw).freelist*pageSize:]
			order.PutUint16(list[10:], 1)
			order.PutUint64(list[headerSize:], newestOf(t, raw).root)
		},
		"a leaf over another": func(t *testing.T, s *Store, raw []byte, leaves []int) {
			if leaves[2] != leaves[1]+1 {
				t.Fatal("the leaves do not follow each other")
			}
			leaf := raw[leaves[1]*pageSize:]
			last := leaf[headerSize+elementSize*(int(order.Uint16(leaf[10:]))-1):]
			order.PutUint32(last[12:], order.Uint32(last[12:])+pageSize)
			order.PutUint32(leaf[12:], 1)
		},
	} {
		t.Run(what, func(t *testing.T) {
			s := newStore(t, func(w store.Writer) error { return putMany(w, 300, plainValue) })
			raw := rawImage(t, s)
			spoil(t, s, raw, leavesOf(t, s))
			if err := os.WriteFile(s.path, raw, 0o600); err != nil {
				t.Fatal(err)
			}
			err := s.Update(t.Context(), func(w store.Writer) error { return putMany(w, 30, secretValue) })
			if !errors.Is(err, store.ErrDamaged) {
				t.Errorf("Update = %v, want ErrDamaged", err)
			}
			if string(rawImage(t, s)) != string(raw) {
				t.Error("the image was written")
			}
		})
	}
}

func newestOf(t *testing.T, raw []byte) *meta {
	t.Helper()
	newest, _, err := readMetas(bytes.NewReader(raw), int64(len(raw)), false)
	if err != nil {
		t.Fatal(err)
	}
	return newest
}

// TestRewriteRanges: of records deleted in long ranges no branch is left with one
// child, however deep the tree.
func TestRewriteRanges(t *testing.T) {
	key := func(i int) string { return fmt.Sprintf("%0*d", store.MaxKey, i) }
	const count = 3000 // one a leaf, some fifteen leaves a branch
	s := newStore(t, func(w store.Writer) error {
		for i := range count {
			if err := w.Put(key(i), make([]byte, 3000)); err != nil {
				return err
			}
		}
		return nil
	})
	random := rand.New(rand.NewPCG(1, 1))
	for range 12 {
		mustUpdate(t, s, func(w store.Writer) error {
			from := random.IntN(count)
			for i := from; i < min(count, from+700); i++ {
				if random.IntN(150) > 0 {
					if err := w.Delete(key(i)); err != nil {
						return err
					}
				}
			}
			return nil
		})
		mustCheck(t, s)
		checkShape(t, s)
	}
	compareWithBolt(t, s)
}

// TestRewriteCrooked: trees that neither we nor bbolt make, but that a walk finds
// nothing wrong with.
func TestRewriteCrooked(t *testing.T) {
	leaf := func(keys ...string) element {
		n := &node{flag: leafFlag}
		for _, key := range keys {
			value := []byte("v")
			if key == fillerKey {
				value = fillerValue
			}
			n.of = append(n.of, element{key: []byte(key), value: value})
		}
		return element{node: n}
	}
	branch := func(of ...element) element { return element{node: &node{branchFlag, of}} }
	broad := branch(leaf("a")) // not small
	for i := range 12 {
		broad.node.of = append(broad.node.of, leaf(fmt.Sprint("b", 10+i, strings.Repeat("x", 200))))
	}
	for what, tc := range map[string]struct {
		top  element
		want error
	}{
		"and both change":           {branch(broad, leaf("c", "d"), leaf(fillerKey)), store.ErrDamaged},
		"leaves at two depths":      {branch(leaf("a", "b"), branch(leaf("c"), leaf(fillerKey))), store.ErrDamaged},
		"no last record":            {leaf("a"), store.ErrDamaged},
		"a branch with one child":   {branch(leaf("a", fillerKey)), nil},
		"such branches in a row":    {branch(branch(branch(leaf("a", fillerKey)))), nil},
		"leaves almost empty":       {branch(branch(leaf("a"), leaf("b")), branch(leaf("c"), leaf(fillerKey))), nil},
		"below branches of one":     {branch(branch(leaf("a")), branch(leaf("b"), leaf(fillerKey))), nil},
		"and so to the last record": {branch(leaf("a"), leaf(fillerKey)), nil},
	} {
		t.Run(what, func(t *testing.T) {
			s := newStore(t, nil)
			layTree(t, s, tc.top)
			if err := s.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			raw := rawImage(t, s)
			err := s.Update(t.Context(), func(w store.Writer) error { return errors.Join(w.Delete("a"), w.Delete("d")) })
			if !errors.Is(err, tc.want) || err != nil && string(rawImage(t, s)) != string(raw) {
				t.Errorf("Update = %v, want %v and no write", err, tc.want)
			}
			mustCheck(t, s)
			if tc.want == nil {
				checkShape(t, s)
				compareWithBolt(t, s)
			}
		})
	}
}

// layTree makes an image of a tree as it is given.
func layTree(t *testing.T, s *Store, top element) {
	t.Helper()
	file, err := os.OpenFile(s.path, os.O_RDWR|os.O_TRUNC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	l := &layer{file: file, room: newRoom(nil, 2, 0)}
	m, err := l.image(top, nil)
	for m.txid = range 2 {
		err = errors.Join(err, m.write(file, nil))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// FuzzRewrite makes changes as the fuzzer says, a transaction for each part of
// its bytes, and holds the image against a map.
func FuzzRewrite(f *testing.F) {
	f.Add([]byte("abcdefgh"), uint16(3))
	f.Add([]byte(strings.Repeat("a quick brown fox", 40)), uint16(900))
	dir := fastDir(f)
	f.Fuzz(func(t *testing.T, ops []byte, size uint16) {
		path := dir + "/fuzz.hsm"
		_ = os.Remove(path)
		if err := Create(t.Context(), path, func(w store.Writer) error { return putMany(w, 40, plainValue) }); err != nil {
			t.Fatal(err)
		}
		s, want := mustOpen(t, path), map[string]string{}
		for i := range 40 {
			want[fmt.Sprintf("k/%05d", i)] = string(plainValue(i))
		}
		for part := range slices.Chunk(ops[:min(len(ops), 500)], 16) {
			mustUpdate(t, s, func(w store.Writer) error { return fuzzedWrites(w, part, int(size%6000), want) })
		}
		mustCheck(t, s)
		checkShape(t, s)
		compareWithMap(t, s, want)
		compareWithBolt(t, s)
	})
}

// fuzzedWrites puts for an even byte and deletes for an odd one.
func fuzzedWrites(w store.Writer, ops []byte, size int, want map[string]string) error {
	for i, op := range ops {
		key := strings.Repeat(string(rune('a'+op%26)), 1+int(op))
		if op%2 == 1 {
			delete(want, key)
			if err := w.Delete(key); err != nil {
				return err
			}
			continue
		}
		want[key] = strings.Repeat("v", 1+size*(i%3))
		if err := w.Put(key, []byte(want[key])); err != nil {
			return err
		}
	}
	return nil
}
