package chain

import (
	"bytes"
	"context"
	"errors"
	"math"
	"reflect"
	"testing"

	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/record/recordtest"
	"filehsm/hsmfile/internal/store"
	"filehsm/hsmfile/internal/store/memstore"
)

// build is a chain of these entries: sequence, time and link are set here.
func build(t *testing.T, entries ...Entry) store.Store {
	t.Helper()
	mem := memstore.New()
	err := mem.Update(context.Background(), func(w store.Writer) error {
		var prev []byte
		for i, e := range entries {
			e.Sequence, e.Prev, e.Time = uint64(i+1), prev, int64(1000+i)
			b := e.Encode()
			prev = record.Hash(b)
			if err := w.Put(record.EntryKey(e.Sequence), b); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return mem
}

func read(t *testing.T, s store.Store) (l *Log, err error) {
	t.Helper()
	s.View(context.Background(), func(r store.Reader) error { l, err = Read(r, nil); return nil })
	return l, err
}

func wrote(name string, hash string) Wrote {
	if hash == "" {
		return Wrote{Name: []byte(name)}
	}
	return Wrote{Name: []byte(name), Hash: []byte(hash)}
}

// TestState replays: writes, deletions, zeroizations that leave what survives,
// and restores that take up an earlier state, one inside the other.
func TestState(t *testing.T) {
	plain := []Entry{
		{Wrote: []Wrote{wrote("h", "h1")}},
		{Wrote: []Wrote{wrote("r1", "r"), wrote("ka", "a1"), wrote("kb", "b1")}},
		{Wrote: []Wrote{wrote("ka", "a2"), wrote("kb", "")}},
		{Gone: true, Wrote: []Wrote{wrote("h", "h2")}},
	}
	l, err := read(t, build(t, plain...))
	if err != nil {
		t.Fatal(err)
	}
	entries := append(plain, // 5: back to 2; 7: gone; 8: back to 6, which lies after the first restore
		Entry{Restored: &Restored{Sequence: 2, Hash: l.Hash(2)}, Wrote: []Wrote{wrote("h", "h3")}},
		Entry{Wrote: []Wrote{wrote("kc", "c1")}},
		Entry{Gone: true, Wrote: []Wrote{wrote("h", "h4")}})
	l, err = read(t, build(t, entries...))
	if err != nil {
		t.Fatal(err)
	}
	entries = append(entries, Entry{Restored: &Restored{Sequence: 6, Hash: l.Hash(6), Passed: []Passed{{Sequence: 9, Hash: []byte("x")}}}, Wrote: []Wrote{wrote("h", "h5")}})
	l, err = read(t, build(t, entries...))
	if err != nil {
		t.Fatal(err)
	}
	for seq, want := range map[uint64]map[string]string{
		0: {}, 1: {"h": "h1"},
		2: {"h": "h1", "r1": "r", "ka": "a1", "kb": "b1"},
		3: {"h": "h1", "r1": "r", "ka": "a2"},
		4: {"h": "h2", "r1": "r"},
		5: {"h": "h3", "r1": "r", "ka": "a1", "kb": "b1"},
		6: {"h": "h3", "r1": "r", "ka": "a1", "kb": "b1", "kc": "c1"},
		7: {"h": "h4", "r1": "r"},
		8: {"h": "h5", "r1": "r", "ka": "a1", "kb": "b1", "kc": "c1"},
		9: {"h": "h5", "r1": "r", "ka": "a1", "kb": "b1", "kc": "c1"}, // beyond the end
	} {
		got, err := l.State(seq)
		if err != nil || len(got) != len(want) {
			t.Errorf("after %d: %v, %v; want %v", seq, got, err, want)
			continue
		}
		for name := range want {
			if h := got.Hash(record.Name(name)); string(h) != want[name] {
				t.Errorf("after %d: %s is %q, want %q", seq, name, h, want[name])
			}
		}
		for at := range seq {
			then, _ := l.State(at)
			if later, err := l.StateFrom(then, at, seq); err != nil || len(later) != len(want) {
				t.Errorf("after %d, from the state after %d: %v, %v; want %v", seq, at, later, err, want)
			}
		}
	}
	if l.Zeroized() != 7 || !l.Passed(9, []byte("x")) || l.Passed(9, []byte("y")) || l.Has(0, nil) || l.Has(9, nil) {
		t.Error("Zeroized, Passed or Has is wrong")
	}
}

// TestForeignRestore: an entry that restores what is not of this chain, or
// lies after it, gives no state.
func TestForeignRestore(t *testing.T) {
	first := Entry{Wrote: []Wrote{wrote("h", "h1")}}
	l, err := read(t, build(t, first))
	if err != nil {
		t.Fatal(err)
	}
	for what, r := range map[string]Restored{
		"another hash": {Sequence: 1, Hash: []byte("x")}, "itself": {Sequence: 2, Hash: l.Hash(1)},
		"later": {Sequence: 9, Hash: l.Hash(1)}, "nothing": {},
	} {
		l, err := read(t, build(t, first, Entry{Restored: &r}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.State(2); !errors.Is(err, ErrBroken) {
			t.Errorf("%s: got %v, want ErrBroken", what, err)
		}
	}
}

// TestBroken: gaps, wrong links, entries in another's place, times that go
// back.
func TestBroken(t *testing.T) {
	ctx := context.Background()
	for what, change := range map[string]func(w store.Writer) error{
		"a gap":           func(w store.Writer) error { return w.Delete(record.EntryKey(2)) },
		"no beginning":    func(w store.Writer) error { return w.Delete(record.EntryKey(1)) },
		"not an entry":    func(w store.Writer) error { return w.Put(record.EntryKey(2), []byte{1}) },
		"another's place": func(w store.Writer) error { return w.Put(record.EntryKey(2), (&Entry{Sequence: 3}).Encode()) },
		"a wrong link": func(w store.Writer) error {
			return w.Put(record.EntryKey(2), (&Entry{Sequence: 2, Time: 2000}).Encode())
		},
		"a strange key": func(w store.Writer) error { return w.Put(record.EntryPrefix()+"x", []byte{1}) },
	} {
		s := build(t, Entry{}, Entry{}, Entry{})
		if err := s.Update(ctx, change); err != nil {
			t.Fatal(err)
		}
		if _, err := read(t, s); !errors.Is(err, ErrBroken) {
			t.Errorf("%s: got %v, want ErrBroken", what, err)
		}
	}
}

// slowEntry has no method ReadFields: it is decoded like most records, and
// encoded again.
type slowEntry Entry

// checkStrict holds the two ways to read an entry against each other.
func checkStrict(t *testing.T, b []byte) {
	t.Helper()
	var slow slowEntry
	fast, err := Decode(b)
	errSlow := record.Decode(b, &slow)
	switch {
	case (err == nil) != (errSlow == nil):
		t.Errorf("%x: strict says %v, the decoder %v", b, err, errSlow)
	case err == nil && !reflect.DeepEqual(slow, slowEntry(*fast)):
		t.Errorf("%x: strict reads %+v, the decoder %+v", b, fast, slow)
	}
}

// examples are entries with one of each form that a field can have.
func examples() (all [][]byte) {
	for _, e := range []Entry{
		{}, {Sequence: 1, Opcode: InitToken, Result: Success, Time: -1, Wrote: []Wrote{}, Restored: &Restored{}},
		{Sequence: 9, Prev: make([]byte, 32), User: make([]byte, 8), Username: "admin", Keys: []uint64{1, 2}, Gone: true, Time: 1 << 40,
			Wrote:    []Wrote{{Name: []byte("h"), Hash: make([]byte, 32)}, {Name: []byte("x")}},
			Restored: &Restored{Backup: "b", Sequence: 4, Hash: make([]byte, 32), Passed: []Passed{{Backup: "c", Sequence: 5}}}},
		{Sequence: math.MaxUint64, Time: math.MinInt64, Opcode: math.MaxUint16, Role: math.MaxUint8, KeyCount: math.MaxUint32, Subject: "\u00e9"},
	} {
		all = append(all, e.Encode())
	}
	return all
}

// TestStrict: the two ways agree on every entry, on each byte of it being
// another, missing or there twice, and on more records than an entry may list.
func TestStrict(t *testing.T) {
	for _, whole := range examples() {
		recordtest.Spellings(whole, len(whole), func(b []byte) { checkStrict(t, b) })
	}
	for _, n := range []int{1 << 16, 1<<16 + 1} {
		checkStrict(t, (&Entry{Wrote: make([]Wrote, n)}).Encode())
	}
}

// wideEntry has room for numbers that an entry has not.
type wideEntry struct {
	_                     struct{} `cbor:",toarray"`
	Sequence, Time        uint64
	Prev                  []byte
	Opcode                uint64
	User                  []byte
	Username              []byte
	Role                  uint64
	Keys                  []uint64
	Subject, Result       string
	Epoch, Generation     uint64
	KeyCount              uint64
	Wrote, Gone, Restored any
}

// TestStrictBounds: a number that a field has no room for, and bytes where text
// belongs.
func TestStrictBounds(t *testing.T) {
	for _, n := range []uint64{0, math.MaxUint8, math.MaxUint8 + 1, math.MaxUint16, math.MaxUint16 + 1, math.MaxUint32, math.MaxUint32 + 1, math.MaxInt64, math.MaxInt64 + 1} {
		for _, e := range []wideEntry{{Time: n}, {Opcode: n}, {Role: n}, {KeyCount: n}, {Keys: []uint64{n}}, {Username: []byte("x")}} {
			e.Gone = false
			b := record.Encode(&e)
			checkStrict(t, b)
			checkStrict(t, bytes.Replace(b, []byte{0xf6, 0xf6, 0}, []byte{0xf6, 0x60, 0}, 1)) // with a user name
		}
	}
}

func FuzzEntry(f *testing.F) {
	for _, b := range examples() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		checkStrict(t, b)
		e, err := Decode(b)
		if err != nil {
			if !errors.Is(err, record.ErrMalformed) {
				t.Errorf("an error of no type: %v", err)
			}
			return
		}
		if !bytes.Equal(e.Encode(), b) {
			t.Errorf("%x is written again as %x", b, e.Encode())
		}
		l := newLog() // whatever was taken can be replayed
		e.Sequence = 1
		l.add(Link{Entry: e, Hash: record.Hash(b)})
		l.State(1)
	})
}

// BenchmarkDecode is an entry as a thousand new keys make it.
func BenchmarkDecode(b *testing.B) {
	e := Entry{Prev: make([]byte, 32), User: make([]byte, 8), Username: "alice"}
	for range 1000 {
		e.Keys = append(e.Keys, 1<<60)
		e.Wrote = append(e.Wrote, Wrote{Name: make([]byte, 17), Hash: make([]byte, 32)}, Wrote{Name: make([]byte, 33), Hash: make([]byte, 32)})
	}
	value := e.Encode()
	for b.Loop() {
		if _, err := Decode(value); err != nil {
			b.Fatal(err)
		}
	}
}
