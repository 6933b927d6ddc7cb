package chain

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"filehsm/hsmfile/internal/record"
)

// TestStateLikeAModel: whatever entries list, in whatever order and how often,
// the state is that of a map that they were applied to one after another.
func TestStateLikeAModel(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	l, model := &Log{}, map[string]string{}
	for seq := range uint64(300) {
		var all []Wrote
		for range random.IntN(12) {
			form := []string{"k%02d", "lowner-id-and-more-than-24-bytes%02d"}[random.IntN(2)]
			w := wrote(fmt.Sprintf(form, random.IntN(30)), fmt.Sprint(random.IntN(3)*random.IntN(1000)))
			if string(w.Hash) == "0" {
				w.Hash = nil
			}
			all = append(all, w)
			model[string(w.Name)] = string(w.Hash)
			if w.Hash == nil {
				delete(model, string(w.Name))
			}
		}
		l.wrote = append(l.wrote, all)
		got, err := l.State(seq + 1)
		if err != nil || len(got) != len(model) || !slices.IsSortedFunc(got, Placed.compareName) {
			t.Fatalf("after %d: %d records in order %t, %v; want %d", seq+1, len(got), slices.IsSortedFunc(got, Placed.compareName), err, len(model))
		}
		at := random.Uint64N(seq + 2)
		then, _ := l.State(at)
		for _, p := range got.Without(then) {
			if then.Hash(record.Name(p.Name)) != nil {
				t.Errorf("%s is said to be new after %d", p.Name, at)
			}
		}
		if n := len(got) - len(got.Without(then)); n != len(then)-len(then.Without(got)) {
			t.Errorf("%d records are in both states, or %d", n, len(then)-len(then.Without(got)))
		}
		if later, err := l.StateFrom(then, at, seq+1); err != nil || !slices.EqualFunc(later, got, func(a, b Placed) bool { return a.Wrote == b.Wrote }) {
			t.Errorf("the state from %d on to %d is another, %v", at, seq+1, err)
		}
		for _, w := range got {
			if model[string(w.Name)] != string(w.Hash) || string(got.Hash(record.Name(w.Name))) != string(w.Hash) {
				t.Errorf("after %d: %s is %q, want %q", seq+1, w.Name, w.Hash, model[string(w.Name)])
			}
		}
		if got.Hash("k") != nil || got.Hash("lowner-id-and-more-than-24-bytes") != nil || got.Hash("z") != nil {
			t.Errorf("after %d: a record that nobody wrote", seq+1)
		}
	}
}

func byName(a, b Wrote) int { return bytes.Compare(a.Name, b.Name) }

// BenchmarkState is of 100,000 keys and their labels, made a thousand an entry.
func BenchmarkState(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	l := &Log{}
	for range 100 {
		var all []Wrote
		for range 1000 {
			all = append(all, wrote(fmt.Sprintf("kowner-id%08x", random.Uint64()), "hash"), wrote(fmt.Sprintf("lowner-id%016x%08x", random.Uint64(), random.Uint64()), "hash"))
		}
		slices.SortFunc(all, byName)
		l.wrote = append(l.wrote, all)
	}
	for b.Loop() {
		l.asked = nil
		if state, err := l.State(100); err != nil || len(state) != 200_000 {
			b.Fatal(len(state), err)
		}
	}
}

// BenchmarkStateOfMany is of as many keys, each made by itself.
func BenchmarkStateOfMany(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	l := &Log{}
	for range 100_000 {
		all := []Wrote{wrote(fmt.Sprintf("kowner-id%08x", random.Uint64()), "hash"), wrote(fmt.Sprintf("lowner-id%016x%08x", random.Uint64(), random.Uint64()), "hash"), wrote("qowner-id", "hash")}
		l.wrote = append(l.wrote, all)
	}
	for b.Loop() {
		l.asked = nil
		if state, err := l.State(100_000); err != nil || len(state) != 200_001 {
			b.Fatal(len(state), err)
		}
	}
}
