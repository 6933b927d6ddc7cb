package chain

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"filehsm/hsmfile/internal/record"
)

// stepwise says the state after an entry as the format does, one reset after
// another: what State must say of any chain.
func stepwise(l *Log, upto uint64) (State, error) {
	var base State
	from := uint64(1)
	for _, r := range slices.Backward(l.resets) {
		if r.at > upto {
			continue
		}
		then, err := l.takenUp(r)
		if err == nil {
			base, err = stepwise(l, then)
		}
		if err != nil {
			return nil, err
		}
		if r.from == nil {
			base = slices.DeleteFunc(slices.Clone(base), func(p Placed) bool {
				return string(p.Name) != record.HeaderKey() && !record.Name(p.Name).Kind().Survives()
			})
		}
		from = r.at
		break
	}
	return base.after(l.entries(from, upto)), nil
}

// reset adds an entry that wrote this and restores another, 0 for a zeroization.
func (l *Log) reset(from uint64, wrote ...Wrote) {
	seq := uint64(len(l.wrote) + 1)
	e := &Entry{Sequence: seq, Wrote: wrote, Gone: from == 0}
	if from > 0 {
		e.Restored = &Restored{Sequence: from, Hash: l.Hash(from)}
	}
	l.add(Link{Entry: e, Hash: fmt.Appendf(nil, "hash %d", seq)})
}

// TestStateLikeStepwise: chains of zeroizations and restores in any order, of
// which some restore what is not of the chain.
func TestStateLikeStepwise(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	sound, broken := 0, 0
	for range 400 {
		l := newLog()
		for seq := range 1 + random.Uint64N(40) {
			var all []Wrote
			for range random.IntN(5) {
				hash := []string{"", fmt.Sprint(seq)}[random.IntN(2)]
				all = append(all, wrote([]string{"h", "hh", "r1", "r2", "pa", "ka", "kb", "lc", ""}[random.IntN(9)], hash))
			}
			switch random.IntN(12) {
			case 0, 1:
				l.reset(0, all...)
			case 2, 3, 4:
				l.reset(seq-random.Uint64N(seq+1), all...)
			case 5:
				l.reset(seq+1+random.Uint64N(2), all...) // itself, or what comes after it
			default:
				l.add(Link{Entry: &Entry{Sequence: seq + 1, Wrote: all}, Hash: fmt.Appendf(nil, "hash %d", seq+1)})
			}
		}
		for range 20 {
			upto := random.Uint64N(uint64(len(l.wrote)) + 3)
			want, errWant := stepwise(l, upto)
			got, err := l.State(upto)
			if fmt.Sprint(err) != fmt.Sprint(errWant) || !slices.Equal(got, want) {
				t.Fatalf("after %d of %+v: %v, %v; want %v, %v", upto, l.resets, got, err, want, errWant)
			}
			if err != nil {
				broken++
				continue
			}
			sound++
			at := random.Uint64N(upto + 1)
			then, err := l.State(at)
			if err != nil {
				continue
			}
			if later, err := l.StateFrom(then, at, upto); err != nil || !slices.Equal(later, want) {
				t.Fatalf("from %d to %d of %+v: %v, %v; want %v", at, upto, l.resets, later, err, want)
			}
		}
	}
	if sound < 1000 || broken < 1000 {
		t.Errorf("%d states and %d refusals are too few of one", sound, broken)
	}
}

// restores is a chain of keys, and of as many restores as anyone likes to put
// there, each of the entry before it.
func restores(keys, n int) *Log {
	l := newLog()
	var all []Wrote
	for i := range keys {
		all = append(all, wrote(fmt.Sprintf("kowner-id%08d", i), "hash"))
	}
	l.add(Link{Entry: &Entry{Sequence: 1, Wrote: all}, Hash: []byte("hash 1")})
	for i := range n {
		l.reset(uint64(i+1), wrote("h", "hash"))
	}
	return l
}

// TestManyRestores: a chain of a million restores has a state as soon as one
// of a million other entries, and none of them copies it.
func TestManyRestores(t *testing.T) {
	l := restores(0, 1_000_000)
	if state, err := l.State(1_000_001); err != nil || len(state) != 1 {
		t.Errorf("%d records, %v", len(state), err)
	}
	l = restores(10_000, 10_000)
	n := testing.AllocsPerRun(1, func() {
		l.asked = nil
		if state, err := l.State(10_001); err != nil || len(state) != 10_001 {
			t.Errorf("%d records, %v", len(state), err)
		}
	})
	if n > 200 {
		t.Errorf("it is made in %.0f pieces", n)
	}
	l.resets[0].from.Hash = nil // the last that is looked at
	l.asked = nil
	if _, err := l.State(10_001); !errors.Is(err, ErrBroken) {
		t.Errorf("got %v, want ErrBroken", err)
	}
}

// BenchmarkStateOfRestores is of 10,000 keys and 100,000 restores.
func BenchmarkStateOfRestores(b *testing.B) {
	l := restores(10_000, 100_000)
	for b.Loop() {
		l.asked = nil
		if state, err := l.State(100_001); err != nil || len(state) != 10_001 {
			b.Fatal(len(state), err)
		}
	}
}
