package chain

import (
	"bytes"
	"fmt"

	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/store"
)

// Walk calls fn for every entry from the first on, checking each link. It
// stops at the first break, with ErrBroken.
func Walk(r store.Reader, fn func(Link) error) error { return WalkFrom(r, 0, fn) }

// WalkFrom is Walk for the entries after one; 0 is the whole chain.
func WalkFrom(r store.Reader, after uint64, fn func(Link) error) error {
	var before Link
	from := ""
	if after > 0 {
		var err error
		if before, err = At(r, after); err != nil {
			return err
		}
		if before.Entry == nil {
			return fmt.Errorf("%w: entry %d is missing", ErrBroken, after)
		}
		from = record.EntryKey(after)
	}
	return r.Scan(record.EntryPrefix(), from, func(key string, value []byte) error {
		at, err := link(key, value)
		if err != nil {
			return err
		}
		if err := follows(before, at); err != nil {
			return err
		}
		before = at
		return fn(at)
	})
}

// follows checks one link of the chain.
func follows(before, at Link) error {
	if before.Entry == nil {
		if at.Sequence != 1 || len(at.Prev) != 0 {
			return fmt.Errorf("%w: it begins with entry %d", ErrBroken, at.Sequence)
		}
		return nil
	}
	switch {
	case at.Sequence != before.Sequence+1:
		return fmt.Errorf("%w: entry %d is missing", ErrBroken, before.Sequence+1)
	case !bytes.Equal(at.Prev, before.Hash):
		return fmt.Errorf("%w: entry %d does not continue entry %d", ErrBroken, at.Sequence, before.Sequence)
	case at.Time < before.Time:
		return fmt.Errorf("%w: entry %d is earlier than the one before", ErrBroken, at.Sequence)
	}
	return nil
}

// Log is a walked chain in memory: what is needed to say the state after any
// of its entries.
type Log struct {
	wrote  [][]Wrote // by sequence - 1
	hashes [][]byte
	resets []reset // entries that replace the state, ascending
	last   Link
	keys   map[string][]made // verifying keys ever in force
	roles  map[string]uint8  // of each user who ever did something
	odd    uint64            // first entry with another generation than it must have

	asked   State // the last that was asked for
	askedAt uint64
}

// reset is a zeroization or a restore.
type reset struct {
	at   uint64
	from *Restored // nil for a zeroization
}

// made is when a verifying key was written.
type made struct {
	at  uint64
	gen uint32
}

func newLog() *Log { return &Log{keys: map[string][]made{}, roles: map[string]uint8{}} }

// Read walks the whole chain.
func Read(r store.Reader, each func(Link) error) (*Log, error) {
	l := newLog()
	err := Walk(r, func(at Link) error {
		l.add(at)
		if each == nil {
			return nil
		}
		return each(at)
	})
	return l, err
}

func (l *Log) add(at Link) {
	l.wrote = append(l.wrote, at.Wrote)
	l.hashes = append(l.hashes, at.Hash)
	if at.Gone || at.Restored != nil {
		l.resets = append(l.resets, reset{at.Sequence, at.Restored})
	}
	for _, w := range at.Wrote {
		if len(w.Name) == 0 || record.Kind(w.Name[0]) != record.KindPublic {
			continue
		}
		if user, gen, verifier, ok := record.ParsePublicName(record.Name(w.Name)); ok && len(w.Hash) > 0 {
			k := user + string(verifier)
			l.keys[k] = append(l.keys[k], made{at.Sequence, gen})
		}
	}
	if l.roles[string(at.User)] == 0 { // the first is nearest to what is signed
		l.roles[string(at.User)] = at.Role
	}
	if l.odd == 0 && at.Generation != at.GenerationAfter(l.last.Entry) {
		l.odd = at.Sequence
	}
	l.last = at
}

// Odd is the sequence of the first entry whose generation is not the one that
// it must have, 0 if there is none. Status tells the newest entry's, which
// nobody may have signed yet.
func (l *Log) Odd() uint64 { return l.odd }

// Last is the newest entry; a nil Entry if the chain is empty.
func (l *Log) Last() Link { return l.last }

// Hash is the hash of the entry with this sequence; nil if there is none.
func (l *Log) Hash(seq uint64) []byte {
	if seq == 0 || seq > uint64(len(l.hashes)) {
		return nil
	}
	return l.hashes[seq-1]
}

// Has says whether the entry with this sequence has this hash.
func (l *Log) Has(seq uint64, hash []byte) bool {
	h := l.Hash(seq)
	return h != nil && bytes.Equal(h, hash)
}

// Passed says whether a restore named this head of a newer backup when it
// passed it over.
func (l *Log) Passed(seq uint64, hash []byte) bool {
	for _, r := range l.resets {
		if r.from == nil {
			continue
		}
		for _, p := range r.from.Passed {
			if p.Sequence == seq && bytes.Equal(p.Hash, hash) {
				return true
			}
		}
	}
	return false
}

// Wiped says whether the image is zeroized, by the chain.
func (l *Log) Wiped() bool {
	n := len(l.resets)
	return n > 0 && l.resets[n-1].from == nil
}

// Zeroized is the sequence of the newest zeroization, 0 if there is none.
func (l *Log) Zeroized() uint64 {
	for i := len(l.resets) - 1; i >= 0; i-- {
		if l.resets[i].from == nil {
			return l.resets[i].at
		}
	}
	return 0
}

// Vouches says whether a user's verifying key of a generation was in the
// image by the entry with this sequence.
func (l *Log) Vouches(user string, gen uint32, verifier []byte, seq uint64) bool {
	for _, m := range l.keys[user+string(verifier)] {
		if m.gen == gen && m.at <= seq {
			return true
		}
	}
	return false
}

// RoleOf is the role in which a user did something first, 0 if he never did.
func (l *Log) RoleOf(user string) uint8 { return l.roles[user] }
