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

// State is what the set holds after the entry with sequence upto. A restore
// takes up the state of the backup's head, so there is one chain of earlier
// states to follow, never a tree.
func (l *Log) State(upto uint64) (State, error) {
	var base State
	from := uint64(1)
	if r := l.lastReset(upto); r != nil {
		var err error
		if base, err = l.before(r); err != nil {
			return nil, err
		}
		from = r.at
	}
	return base.after(l.wrote[min(from-1, uint64(len(l.wrote))):min(upto, uint64(len(l.wrote)))]), nil
}

// before is the state that a reset begins with.
func (l *Log) before(r *reset) (State, error) {
	if r.from == nil {
		state, err := l.State(r.at - 1)
		return slices.DeleteFunc(state, func(p Placed) bool {
			return string(p.Name) != record.HeaderKey() && !record.Name(p.Name).Kind().Survives()
		}), err
	}
	if r.from.Sequence >= r.at || !l.Has(r.from.Sequence, r.from.Hash) {
		return nil, fmt.Errorf("%w: entry %d restores a backup that is not of this chain", ErrBroken, r.at)
	}
	return l.State(r.from.Sequence)
}

func (l *Log) lastReset(upto uint64) *reset {
	for i := len(l.resets) - 1; i >= 0; i-- {
		if l.resets[i].at <= upto {
			return &l.resets[i]
		}
	}
	return nil
}

// after is the state after more entries.
func (s State) after(entries [][]Wrote) State {
	room := len(s)
	for _, wrote := range entries {
		room += len(wrote)
	}
	all := make(State, 0, room)
	for _, p := range s {
		p.when = len(all)
		all = append(all, p)
	}
	for _, wrote := range entries {
		for i := range wrote {
			all = append(all, place(&wrote[i], len(all)))
		}
	}
	slices.SortFunc(all, Placed.compare)
	kept := all[:0]
	for i, p := range all {
		if last := i == len(all)-1 || p.compareName(all[i+1]) != 0; last && len(p.Hash) > 0 {
			kept = append(kept, p)
		}
	}
	return kept
}

// Placed is a record that was written, with what decides its place in a State:
// the first 16 bytes of its name as numbers, and when it was written. The names
// of a few hundred thousand keys lie all over memory, and a sort that looks at
// these numbers instead is several times as fast.
type Placed struct {
	*Wrote
	a, b uint64
	when int
}

func place(w *Wrote, when int) Placed {
	var b [16]byte
	copy(b[:], w.Name)
	return Placed{w, binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint64(b[8:]), when}
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

// compare is by name, then by time.
func (p Placed) compare(q Placed) int {
	if order := p.compareName(q); order != 0 {
		return order
	}
	return cmp.Compare(p.when, q.when)
}
