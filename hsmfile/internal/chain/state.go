package chain

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"filehsm/hsmfile/internal/record"
)

// State is what the live set must hold: the name of each record and the
// SHA-256 of its bytes, ascending by name, as a store gives them.
type State []Placed

// Hash is what a record must have; nil if there must be none.
func (s State) Hash(name record.Name) []byte {
	i, found := slices.BinarySearchFunc(s, []byte(name), func(p Placed, name []byte) int { return bytes.Compare(p.Name, name) })
	if !found {
		return nil
	}
	return s[i].Hash
}

// Without are the records of s whose names are not in t.
func (s State) Without(t State) (only State) {
	for _, p := range s {
		for len(t) > 0 && t[0].compareName(p) < 0 {
			t = t[1:]
		}
		if len(t) == 0 || t[0].compareName(p) > 0 {
			only = append(only, p)
		}
	}
	return only
}

// State is what the set holds after the entry with sequence upto.
//
// Whoever asks twice for the same gets the same, which nobody may change.
func (l *Log) State(upto uint64) (State, error) {
	if l.asked != nil && l.askedAt == upto {
		return l.asked, nil
	}
	wiped, since, err := l.path(upto)
	if err != nil {
		return nil, err
	}
	l.asked, l.askedAt = State(nil).after(wiped).survivors().after(since), upto
	return l.asked, nil
}

// StateFrom is State for who has that after an earlier entry already, of this
// chain or of one that goes as far.
func (l *Log) StateFrom(then State, at, upto uint64) (State, error) {
	between := func(r reset) bool { return at < r.at && r.at <= upto }
	if at > upto || slices.ContainsFunc(l.resets, between) {
		return l.State(upto)
	}
	return then.after(l.entries(at+1, upto)), nil
}

// path is what the entries wrote that the state after one is made of: those
// before the newest zeroization among them, and those since.
//
// A restore takes up the state of the backup's head, a zeroization that of the
// entry before it: there is one chain of earlier states to follow, never a
// tree, and it goes down. So one pass over the resets finds it, and each entry
// counts once, however many restores a chain has.
func (l *Log) path(upto uint64) (wiped, since [][]Wrote, err error) {
	var spans [][][]Wrote // newest first
	zeroized := 0         // how many are newer than the newest zeroization, its own included
	for _, r := range slices.Backward(l.resets) {
		if r.at > upto {
			continue // passed over
		}
		spans = append(spans, l.entries(r.at, upto))
		if r.from == nil && zeroized == 0 {
			zeroized = len(spans)
		}
		if upto, err = l.takenUp(r); err != nil {
			return nil, nil, err
		}
	}
	spans = append(spans, l.entries(1, upto))
	if zeroized == 0 {
		zeroized = len(spans)
	}
	slices.Reverse(spans)
	cut := len(spans) - zeroized
	return slices.Concat(spans[:cut]...), slices.Concat(spans[cut:]...), nil
}

// takenUp is the entry whose state a reset begins with.
func (l *Log) takenUp(r reset) (uint64, error) {
	if r.from == nil {
		return r.at - 1, nil
	}
	if r.from.Sequence >= r.at || !l.Has(r.from.Sequence, r.from.Hash) {
		return 0, fmt.Errorf("%w: entry %d restores a backup that is not of this chain", ErrBroken, r.at)
	}
	return r.from.Sequence, nil
}

// entries is what the entries of these sequences wrote.
func (l *Log) entries(from, upto uint64) [][]Wrote {
	n := uint64(len(l.wrote))
	return l.wrote[min(from-1, n):min(upto, n)]
}

// survivors is what a zeroization leaves, in the same memory. An earlier one
// leaves as much of what a later one does.
func (s State) survivors() State {
	return slices.DeleteFunc(s, func(p Placed) bool {
		return string(p.Name) != record.HeaderKey() && !record.Name(p.Name).Kind().Survives()
	})
}

// after is the state after more entries. Each lists what it wrote in order, or
// in a few runs that are; merging those, and then all with the state before,
// takes much less than sorting it all.
func (s State) after(entries [][]Wrote) State {
	all := merged(runs(entries))
	if len(s) > 0 {
		all = merge(s, all, make(State, 0, len(s)+len(all)))
	}
	return slices.DeleteFunc(all, func(p Placed) bool { return len(p.Hash) == 0 })
}

// runs are the records that entries wrote, oldest first, cut wherever a name
// does not come after the one before.
func runs(entries [][]Wrote) (all []State) {
	room := 0
	for _, wrote := range entries {
		room += len(wrote)
	}
	placed := make(State, 0, room)
	begin := 0
	for _, wrote := range entries {
		for i := range wrote {
			p := place(&wrote[i])
			if n := len(placed); n > begin && placed[n-1].compareName(p) >= 0 {
				all = append(all, placed[begin:])
				begin = n
			}
			placed = append(placed, p)
		}
	}
	return append(all, placed[begin:])
}

// merged makes one run of many, older ones first.
func merged(all []State) State {
	if len(all) == 1 {
		return all[0]
	}
	n := 0
	for _, run := range all {
		n += len(run)
	}
	for from, to := make(State, n), make(State, n); len(all) > 1; from, to = to, from {
		half, room := all[:0], to[:0]
		for ; len(all) > 0; all = all[min(2, len(all)):] {
			var newer State
			if len(all) > 1 {
				newer = all[1]
			}
			run := merge(all[0], newer, room)
			half, room = append(half, run), room[len(run):len(run)]
		}
		all = half
	}
	return all[0]
}

// merge appends two runs to into, which has room for both. Of a record that is
// in both, the newer run's counts.
func merge(older, newer, into State) State {
	for len(older) > 0 && len(newer) > 0 {
		switch order := older[0].compareName(newer[0]); {
		case order < 0:
			into, older = append(into, older[0]), older[1:]
		case order == 0:
			older = older[1:]
		default:
			into, newer = append(into, newer[0]), newer[1:]
		}
	}
	return append(append(into, older...), newer...)
}

// Placed is a record that was written, with what decides its place in a State:
// the first 16 bytes of its name as numbers. The names of a few hundred thousand
// keys lie all over memory, and who compares these numbers instead is several
// times as fast.
type Placed struct {
	*Wrote
	a, b uint64
}

func place(w *Wrote) Placed {
	var b [16]byte
	copy(b[:], w.Name)
	return Placed{w, binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint64(b[8:])}
}

func (p Placed) compareName(q Placed) int {
	if p.a != q.a {
		return cmp.Compare(p.a, q.a)
	}
	if p.b != q.b {
		return cmp.Compare(p.b, q.b)
	}
	return bytes.Compare(p.Name, q.Name)
}
