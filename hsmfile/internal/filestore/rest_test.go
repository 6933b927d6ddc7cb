package filestore

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"filehsm/hsmfile/internal/store"

	"golang.org/x/sys/unix"
)

// restImage is an image with an engine at rest.
func restImage(t *testing.T) (*Store, *engine) {
	t.Helper()
	s := newStore(t, func(w store.Writer) error { return putMany(w, 300, plainValue) })
	return s, putLoop(t, s)
}

// putLoop is as many commits as it takes for an engine to rest.
func putLoop(t *testing.T, s *Store) *engine {
	t.Helper()
	for range 100 * loop { // a slow disk may take longer for one than a loop does
		if mustPut(t, s, "k/00100", "first"); resting(s) != nil {
			break
		}
	}
	return resting(s)
}

// resting is the store's engine at rest; nil if there is none.
func resting(s *Store) *engine {
	s.rest.mu.Lock()
	defer s.rest.mu.Unlock()
	return s.rest.engine
}

func mustPut(t *testing.T, s *Store, key, value string) {
	t.Helper()
	mustUpdate(t, s, put(key, value))
}

// TestRest: commits that follow each other have one engine, Scrub too, and soon
// after the last it is closed. While it rests nobody is kept out.
func TestRest(t *testing.T) {
	s, e := restImage(t)
	if e == nil {
		t.Fatal("no engine rests after a commit")
	}
	for tries := 0; ; tries++ { // a slow disk may take longer than it rests
		mustPut(t, s, "k/00200", "second")
		mustScrub(t, s)
		if resting(s) == e {
			break
		}
		if e = putLoop(t, s); tries == 20 {
			t.Fatal("each commit opens another")
		}
	}
	file, err := os.OpenFile(s.path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		t.Errorf("while an engine rests the image is locked: %v", err)
	}
	file.Close()
	for end := time.Now().Add(50 * restTime); resting(s) != nil; time.Sleep(restTime / 10) {
		if time.Now().After(end) {
			t.Fatal("it rests for ever")
		}
	}
	if _, err := e.file.Stat(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("its handle is not closed: %v", err)
	}
	mustCheck(t, s)
}

// TestRestSame: an engine that has rested writes what one just opened would, byte
// for byte, so nothing that it remembers matters.
func TestRestSame(t *testing.T) {
	one, e := restImage(t)
	again := 0
	raw := rawImage(t, one)
	path := dirOf(one) + "/other.hsm"
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		change := func(w store.Writer) error {
			if i%5 == 4 {
				return w.Delete(fmt.Sprintf("k/%05d", i))
			}
			return w.Put(fmt.Sprintf("k/%05d", i*7%400), plainValue(i*31))
		}
		mustUpdate(t, one, change)
		if e != nil && resting(one) == e {
			again++
		}
		e = resting(one)
		mustUpdate(t, mustOpen(t, path), change)
	}
	if again == 0 {
		t.Error("each commit opened another")
	}
	if !bytes.Equal(rawImage(t, one), rawImage(t, mustOpen(t, path))) {
		t.Error("the files differ")
	}
	mustCheck(t, one)
}

// TestRestNot: what others do to the file between two commits. The engine is not
// used again over another file or another revision, and the second commit is
// made on what lies there then.
func TestRestNot(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, s *Store, before []byte){
		"another's commit": func(t *testing.T, s *Store, _ []byte) { mustPut(t, mustOpen(t, s.path), "k/00150", "theirs") },
		"another's scrub":  func(t *testing.T, s *Store, _ []byte) { mustScrub(t, mustOpen(t, s.path)) },
		"replaced": func(t *testing.T, s *Store, _ []byte) {
			moveOver(t, s.path, rawImage(t, s))
		},
		"replaced by an older one": func(t *testing.T, s *Store, before []byte) { moveOver(t, s.path, before) },
		"put back in place":        func(t *testing.T, s *Store, before []byte) { writePart(t, s.path, before, 0) },
		"put back and two commits": func(t *testing.T, s *Store, before []byte) {
			writePart(t, s.path, before, 0)
			mustPut(t, mustOpen(t, s.path), "k/00150", "theirs")
			mustPut(t, mustOpen(t, s.path), "k/00160", "theirs")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t, func(w store.Writer) error { return putMany(w, 300, plainValue) })
			before := rawImage(t, s)
			e := putLoop(t, s)
			change(t, s, before)
			want := recordsOf(t, rawImage(t, s), dirOf(s)+"/copy")
			mustPut(t, s, "k/00200", "second")
			if e != nil && resting(s) == e {
				t.Error("the engine was used again")
			}
			want["k/00200"] = []byte("second")
			if got := recordsOf(t, rawImage(t, s), dirOf(s)+"/copy"); !sameRecords(got, want) {
				t.Error("the second commit is not on what was there")
			}
			mustCheck(t, s)
		})
	}
}

func moveOver(t *testing.T, path string, raw []byte) {
	t.Helper()
	if err := errors.Join(os.WriteFile(path+".new", raw, 0o600), os.Rename(path+".new", path)); err != nil {
		t.Fatal(err)
	}
}

// TestRestEqualMetas: the list of free pages changes under equal meta pages, as
// it does when an older copy is put back and takes another way. An engine that
// went on with its own list would give a page away that is not free any more.
func TestRestEqualMetas(t *testing.T) {
	s, e := restImage(t)
	mustPut(t, s, "k/00200", "second")
	raw := rawImage(t, s)
	var all [2]*meta
	for i := range all {
		var err error
		if all[i], err = readMeta(bytes.NewReader(raw), uint64(i), int64(len(raw))); err != nil {
			t.Fatal(err)
		}
	}
	newest := all[0]
	if all[1].txid > newest.txid {
		newest = all[1]
	}
	head := raw[newest.freelist*pageSize:]
	count := native.Uint16(head[10:])
	taken := native.Uint64(head[headerSize:]) // the first, which bbolt would use first
	copy(head[headerSize:], head[headerSize+8:headerSize+8*int(count)])
	native.PutUint16(head[10:], count-1)
	writePart(t, s.path, raw, 0)
	held := bytes.Clone(raw[taken*pageSize:][:pageSize])
	mustPut(t, s, "k/00250", "third")
	if e != nil && resting(s) == e {
		t.Error("the engine was used again")
	}
	if !bytes.Equal(rawImage(t, s)[taken*pageSize:][:pageSize], held) {
		t.Errorf("page %d was overwritten, which was not free any more", taken)
	}
}

// TestRestDamage: a page spoiled, or the file cut, between two commits is found
// before the engine that rests follows it.
func TestRestDamage(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, s *Store){
		"leaves": func(t *testing.T, s *Store) {
			for _, id := range leavesOf(t, s) {
				writePart(t, s.path, bytes.Repeat([]byte{0xff}, 64), int64(id)*pageSize+headerSize)
			}
		},
		"root": func(t *testing.T, s *Store) {
			raw := rawImage(t, s)
			for id := 2; id < len(raw)/pageSize; id++ {
				if native.Uint16(raw[id*pageSize+8:]) == branchFlag {
					writePart(t, s.path, bytes.Repeat([]byte{0xff}, 64), int64(id)*pageSize+headerSize)
				}
			}
		},
		"cut": func(t *testing.T, s *Store) {
			if err := os.Truncate(s.path, 3*pageSize); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := restImage(t)
			spoil(t, s)
			spoiled := rawImage(t, s)
			if err := s.Update(t.Context(), put("k/00200", "second")); !errors.Is(err, store.ErrDamaged) || strings.Contains(err.Error(), "bbolt gave up") {
				t.Errorf("Update = %v, want ErrDamaged before bbolt sees it", err)
			}
			if !bytes.Equal(rawImage(t, s), spoiled) {
				t.Error("it was written to")
			}
		})
	}
}

// TestRestFailed: an engine whose commit failed does not rest.
func TestRestFailed(t *testing.T) {
	s, _ := restImage(t)
	restore := limitFiles(t, uint64(len(rawImage(t, s))))
	err := s.Update(t.Context(), func(w store.Writer) error { return w.Put("big", make([]byte, store.MaxValue)) })
	restore()
	if !errors.Is(err, syscall.EFBIG) || resting(s) != nil {
		t.Errorf("Update = %v, and %v rests", err, resting(s))
	}
	mustPut(t, s, "k/00200", "second")
	mustCheck(t, s)
}

// TestRestShared: goroutines that share a store, and another one's in between.
func TestRestShared(t *testing.T) {
	s, _ := restImage(t)
	other := mustOpen(t, s.path)
	const each = 30
	var all sync.WaitGroup
	for i, in := range []*Store{s, s, s, other} {
		all.Go(func() {
			for n := range each {
				if err := in.Update(t.Context(), put(fmt.Sprintf("new/%d/%d", i, n), "value")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	n := 0
	err := s.View(t.Context(), func(r store.Reader) error {
		return r.Walk("new/", "", func(_, _ []byte) error { n++; return nil })
	})
	if err != nil || n != 4*each {
		t.Errorf("of %d records %d are there, %v", 4*each, n, err)
	}
	mustCheck(t, s)
}

// TestRestAfterLoop: what makes a few commits leaves no handle behind, nor does
// one that comes after a pause.
func TestRestAfterLoop(t *testing.T) {
	s := newStore(t, nil)
	for range loop - 1 {
		mustPut(t, s, "one", "command")
	}
	if resting(s) != nil {
		t.Error("an engine rests after a few commits")
	}
	time.Sleep(restTime + restTime/10)
	if mustPut(t, s, "one", "more"); resting(s) != nil {
		t.Error("an engine rests after a pause")
	}
}

// TestStanding: whatever differs, an engine is not used again.
func TestStanding(t *testing.T) {
	here := func() *standing {
		return &standing{newest: meta{3, 4, 9, 8}, previous: meta{5, 6, 9, 7}, free: []uint64{7, 8}}
	}
	for what, change := range map[string]func(*standing){
		"newest":   func(a *standing) { a.newest.pages++ },
		"previous": func(a *standing) { a.previous.root++ },
		"free":     func(a *standing) { a.free[1]++ },
		"fewer":    func(a *standing) { a.free = a.free[:1] },
	} {
		other := here()
		if change(other); other.equal(here()) {
			t.Errorf("another %s: equal", what)
		}
	}
	if !here().equal(here()) {
		t.Error("the same: not equal")
	}
}
