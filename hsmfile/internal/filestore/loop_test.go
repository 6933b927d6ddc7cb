package filestore

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"filehsm/hsmfile/internal/store"
)

// What a commit has laid serves the next one of a loop. These tests are about
// what may come between the two.

// loopImage is an image just after a commit.
func loopImage(t *testing.T) *Store {
	t.Helper()
	s := newStore(t, func(w store.Writer) error { return putMany(w, 300, plainValue) })
	mustUpdate(t, s, put("k/00100", "first"))
	return s
}

// TestLoop: commits that follow each other share pages, also with a reader in
// between; a pause ends it.
func TestLoop(t *testing.T) {
	s := loopImage(t)
	between := func(what string, want bool, do func()) {
		t.Helper()
		for tries := 0; ; tries++ { // a slow disk may take longer for a commit than a loop does
			mustUpdate(t, s, put("k/00200", "x"))
			before := atHand(s)
			do()
			mustUpdate(t, s, put("k/00210", fmt.Sprint("y", tries)))
			if got := shared(before, atHand(s)) > 0; got == want {
				return
			}
			if tries == 20 {
				t.Errorf("%s: the next commit shares its pages: %t", what, !want)
				return
			}
		}
	}
	between("nothing", true, func() {})
	between("a reader", true, func() { allRecords(t, s) })
	between("a pause", false, func() { time.Sleep(loop + loop/10) })
	mustCheck(t, s)
}

// TestLoopSame: what is written in a loop is what would be, byte for byte, by one
// who reads everything each time, so nothing that is remembered matters.
func TestLoopSame(t *testing.T) {
	one := loopImage(t)
	path := dirOf(one) + "/other.hsm"
	if err := os.WriteFile(path, rawImage(t, one), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		change := func(w store.Writer) error {
			if i%5 == 4 {
				return w.Delete(fmt.Sprintf("k/%05d", i))
			}
			return w.Put(fmt.Sprintf("k/%05d", i*7%500), plainValue(i*31%4000))
		}
		mustUpdate(t, one, change)
		mustUpdate(t, mustOpen(t, path), change)
	}
	if !bytes.Equal(withoutNonces(rawImage(t, one)), withoutNonces(rawImage(t, mustOpen(t, path)))) {
		t.Error("the files differ")
	}
	mustCheck(t, one)
}

func withoutNonces(raw []byte) []byte {
	for page := range 2 {
		clear(raw[page*pageSize+headerSize+metaSize:][:nonceSize])
	}
	return raw
}

// TestLoopNot: what others do to the file between two commits. The second one is
// made on what lies there then.
func TestLoopNot(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, s *Store, before []byte){
		"another's commit":         func(t *testing.T, s *Store, _ []byte) { mustUpdate(t, mustOpen(t, s.path), put("k/00150", "theirs")) },
		"another's scrub":          func(t *testing.T, s *Store, _ []byte) { mustScrub(t, mustOpen(t, s.path)) },
		"replaced":                 func(t *testing.T, s *Store, _ []byte) { moveOver(t, s.path, rawImage(t, s)) },
		"replaced by an older one": func(t *testing.T, s *Store, before []byte) { moveOver(t, s.path, before) },
		"put back in place":        func(t *testing.T, s *Store, before []byte) { writePart(t, s.path, before, 0) },
		"put back, another way taken": func(t *testing.T, s *Store, before []byte) {
			ours := rawImage(t, s)
			writePart(t, s.path, before, 0)
			mustUpdate(t, mustOpen(t, s.path), put("k/00250", "theirs"))
			theirs := rawImage(t, s)
			if !bytes.Equal(withoutNonces(ours[:2*pageSize]), withoutNonces(theirs[:2*pageSize])) {
				t.Error("the meta pages tell the two apart without the nonce, so nothing is tried here")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t, func(w store.Writer) error { return putMany(w, 300, plainValue) })
			before := rawImage(t, s)
			mustUpdate(t, s, put("k/00100", "first"))
			change(t, s, before)
			want := recordsOf(t, rawImage(t, s), dirOf(s)+"/copy")
			mustUpdate(t, s, put("k/00200", "second"))
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

// TestLoopNonce: of two images with equal meta pages but for the nonce, nothing
// that the one was known by serves the other, whatever the system says of the
// file.
func TestLoopNonce(t *testing.T) {
	s := newStore(t, func(w store.Writer) error { return putMany(w, 300, plainValue) })
	before := rawImage(t, s)
	mustUpdate(t, s, put("k/00100", "first"))
	ours := s.kept.Load()
	writePart(t, s.path, before, 0)
	mustUpdate(t, mustOpen(t, s.path), put("k/00250", "theirs"))
	now, err := statusAt(s.path)
	if err != nil || ours == nil {
		t.Fatal(ours, err)
	}
	ours.kept = kept{file: now}
	if got, err := get(t, s, "k/00250"); got != "theirs" || err != nil {
		t.Errorf("k/00250 = %q, %v: read of the one that is not there any more", got, err)
	}
}

// TestLoopDamage: a page spoiled, or the file cut, between two commits is found
// before the second writes.
func TestLoopDamage(t *testing.T) {
	spoilAll := func(flag uint16) func(t *testing.T, s *Store) {
		return func(t *testing.T, s *Store) {
			raw := rawImage(t, s)
			for id := 2; id < len(raw)/pageSize; id++ {
				if order.Uint16(raw[id*pageSize+8:]) == flag {
					writePart(t, s.path, bytes.Repeat([]byte{0xff}, 64), int64(id)*pageSize+headerSize)
				}
			}
		}
	}
	for name, spoil := range map[string]func(t *testing.T, s *Store){
		"leaves":   spoilAll(leafFlag),
		"branches": spoilAll(branchFlag),
		"cut": func(t *testing.T, s *Store) {
			if err := os.Truncate(s.path, 3*pageSize); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := loopImage(t)
			waitForTick(t, s.path)
			spoil(t, s)
			spoiled := rawImage(t, s)
			if err := s.Update(t.Context(), put("k/00200", "second")); !errors.Is(err, store.ErrDamaged) {
				t.Errorf("Update = %v, want ErrDamaged", err)
			}
			if !bytes.Equal(rawImage(t, s), spoiled) {
				t.Error("it was written to")
			}
		})
	}
}

// waitForTick waits until a change of the file would show in its time.
func waitForTick(t *testing.T, path string) {
	t.Helper()
	scratch := path + ".tick"
	changed := func(path string) timespec {
		is, err := statusAt(path)
		if err != nil {
			t.Fatal(err)
		}
		return is.changed
	}
	for end := time.Now().Add(2 * settled); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if err := os.WriteFile(scratch, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if changed(scratch) != changed(path) {
			return
		}
	}
	t.Fatalf("no step of the file system's clock in %s", 2*settled)
}

// TestLoopFailed: of a commit that failed nothing is kept.
func TestLoopFailed(t *testing.T) {
	if !alone(t) {
		return
	}
	s := loopImage(t)
	restore := limitFiles(t, uint64(len(rawImage(t, s))))
	err := s.Update(t.Context(), func(w store.Writer) error { return w.Put("big", make([]byte, store.MaxValue)) })
	restore()
	if !errors.Is(err, syscall.EFBIG) || s.kept.Load() != nil {
		t.Errorf("Update = %v, and %v is kept", err, s.kept.Load())
	}
	mustUpdate(t, s, put("k/00200", "second"))
	mustCheck(t, s)
}

// TestLoopShared: goroutines that share a store, and another one's in between.
func TestLoopShared(t *testing.T) {
	s := loopImage(t)
	other := mustOpen(t, s.path)
	const each = 30
	var all sync.WaitGroup
	for i, in := range []*Store{s, s, s, other} {
		all.Go(func() {
			for n := range each {
				err := in.Update(t.Context(), put(fmt.Sprintf("new/%d/%d", i, n), "value"))
				err = errors.Join(err, in.Update(t.Context(), func(w store.Writer) error { _, err := w.Get("k/00100"); return err }))
				if err != nil {
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

// TestLoopBounds: a loop over very many records does not hold on to more and more
// of them.
func TestLoopBounds(t *testing.T) {
	key := func(i int) string { return fmt.Sprintf("%0*d", store.MaxKey, i) } // long: many branches
	s := newStore(t, func(w store.Writer) error {
		for i := range 20_000 {
			if err := w.Put(key(i), []byte("old")); err != nil {
				return err
			}
		}
		return nil
	})
	for i := range 300 {
		mustUpdate(t, s, put(key(i*997%20_000), "new"))
	}
	kept := s.kept.Load()
	if kept == nil {
		t.Fatal("nothing is kept")
	}
	if b, l := len(kept.branches), len(kept.leaves); b > keptBranches || l > keptLeaves || b == 0 || l == 0 {
		t.Errorf("%d branches and %d leaves are kept", b, l)
	}
	mustUpdate(t, s, func(w store.Writer) error { return putRun(w, 0, 20_000) })
	if used := s.scratch.Load(); used != nil && (len(used.whole) > keptElements || cap(used.buffer) > keptBuffer) {
		t.Errorf("%d elements and %d bytes are kept", len(used.whole), cap(used.buffer))
	}
	mustCheck(t, s)
}
