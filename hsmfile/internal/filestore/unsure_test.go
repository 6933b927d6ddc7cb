package filestore

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"filehsm/hsmfile/internal/store"
)

// A commit that was killed before its last sync, or whose last sync failed, is in
// the system's cache, where all read it, and maybe on no disk. These tests are
// about the one that comes after it.

// unsure is an image of which only the first of two commits' pages were synced.
type unsure struct {
	t        *testing.T
	path     string
	disk     []byte // as it was synced: without the first one's meta page
	metaPage write  // that one

	old, one, both string // the records before, after the first, and after the second
	two            *recorder
}

// newUnsure makes both. The second is another process's, unless the first failed
// and the same goes on.
func newUnsure(t *testing.T, first, second []change, failed bool) *unsure {
	t.Helper()
	s := newStore(t, func(w store.Writer) error { return putMany(w, 300, plainValue) })
	for i := range 3 { // so that there are free pages
		mustUpdate(t, s, put("k/00200", fmt.Sprint(i)))
	}
	u := &unsure{t: t, path: filepath.Join(fastDir(t), "unsure.hsm"), old: allRecords(t, s)}
	raw, r := rawImage(t, s), new(recorder)
	if err := commitTo(t, s, first, func(*os.File) medium { return r }); err != nil {
		t.Fatal(err)
	}
	u.disk, u.metaPage = applied(raw, r.writes[:r.syncs[0]]), r.writes[r.syncs[0]]
	cached := applied(raw, r.writes)
	u.one = u.records(cached)
	u.two = new(recorder)
	next := mustOpen(t, u.path)
	next.unsure.Store(failed)
	if err := commitTo(t, next, second, func(*os.File) medium { return u.two }); err != nil {
		t.Fatal(err)
	}
	u.both = u.records(applied(cached, u.two.writes))
	return u
}

// records are those of an image with this content, which is whole.
func (u *unsure) records(content []byte) string {
	u.t.Helper()
	if err := os.WriteFile(u.path, content, 0o600); err != nil {
		u.t.Fatal(err)
	}
	s := mustOpen(u.t, u.path)
	mustCheck(u.t, s)
	return allRecords(u.t, s)
}

// TestUnsure: the second commit loses the power at every point: there are the
// records before or after the first. Once it is confirmed there are its own. Its
// first sync is the first one's last, or, if that had failed, has its meta page
// written once more.
func TestUnsure(t *testing.T) {
	kinds := commitsOf()
	delete(kinds, "very many")
	for first, changes := range kinds {
		for second := range kinds {
			for _, failed := range []bool{false, true} {
				t.Run(fmt.Sprint(first, ", then ", second, ", failed ", failed), func(t *testing.T) {
					u := newUnsure(t, changes, kinds[second], failed)
					u.losePower()
					disk := u.disk
					if !failed {
						disk = applied(disk, []write{u.metaPage})
					}
					if got := u.records(applied(disk, u.two.writes)); got != u.both {
						t.Error("the second was confirmed, and the records are not those after both")
					}
				})
			}
		}
	}
}

func (u *unsure) losePower() {
	u.t.Helper()
	synced := u.two.syncs[0]
	for n := range synced + 1 {
		for _, there := range [][]write{u.two.writes[:n], u.two.writes[n:synced], allBut(u.two.writes[:synced], n)} {
			for _, disk := range [][]byte{u.disk, applied(u.disk, []write{u.metaPage})} {
				if got := u.records(applied(disk, there)); got != u.old && got != u.one {
					u.t.Errorf("%d of %d writes are there: records of neither", len(there), synced)
				}
			}
		}
	}
}

// TestUnsureOnlyThen: a meta page that is on the disk is not written again; after a
// commit that failed, it is.
func TestUnsureOnlyThen(t *testing.T) {
	if !alone(t) {
		return
	}
	s := newStore(t, func(w store.Writer) error { return putMany(w, 300, plainValue) })
	mustUpdate(t, s, put("k/00200", "first"))
	again := func() bool {
		t.Helper()
		newest, r := newestOf(t, rawImage(t, s)), new(recorder)
		if err := commitTo(t, s, []change{{key: "k", value: []byte("v")}}, func(*os.File) medium { return r }); err != nil {
			t.Fatal(err)
		}
		return r.writes[0].at == int64(newest.txid%2)*pageSize
	}
	if again() {
		t.Error("after a commit that was confirmed its meta page is written again")
	}
	restore := limitFiles(t, uint64(len(rawImage(t, s))))
	err := s.Update(t.Context(), func(w store.Writer) error { return w.Put("big", make([]byte, store.MaxValue)) })
	restore()
	if err == nil || !again() {
		t.Errorf("after a commit that failed (%v) the meta page before it is not written again", err)
	}
	mustUpdate(t, s, put("k/00200", "second"))
	if again() {
		t.Error("after one that was confirmed it is written again")
	}
}

// TestPreviousStaysWhole: while the next commit is being written the one before
// the newest is as it was: --accept-previous has it, whatever was written by then.
func TestPreviousStaysWhole(t *testing.T) {
	for name, changes := range commitsOf() {
		t.Run(name, func(t *testing.T) {
			s := newStore(t, func(w store.Writer) error { return putMany(w, 300, plainValue) })
			for i := range 4 {
				mustUpdate(t, s, put("k/00200", fmt.Sprint(i)))
			}
			before := allRecords(t, s)
			mustUpdate(t, s, put("k/00100", "newest"))
			raw, r := rawImage(t, s), new(recorder)
			if err := commitTo(t, mustOpen(t, s.path), changes, func(*os.File) medium { return r }); err != nil {
				t.Fatal(err)
			}
			for n := range r.syncs[0] + 1 {
				if err := os.WriteFile(s.path, applied(raw, r.writes[:n]), 0o600); err != nil {
					t.Fatal(err)
				}
				spoilNewestMeta(t, s)
				previous, err := Open(s.path, Options{AcceptPrevious: true})
				if err != nil {
					t.Fatal(err)
				}
				mustCheck(t, previous)
				if allRecords(t, previous) != before {
					t.Fatalf("with %d writes of the next one, the one before the newest has other records", n)
				}
			}
		})
	}
}

// TestPreviousGone: if it cannot be told which pages the revision before uses, the
// newest is made durable before they are written over.
func TestPreviousGone(t *testing.T) {
	s := newStore(t, func(w store.Writer) error { return putMany(w, 300, plainValue) })
	for i := range 3 {
		mustUpdate(t, s, put("k/00200", fmt.Sprint(i)))
	}
	raw := rawImage(t, s)
	newest := newestOf(t, raw)
	before, err := readMeta(bytes.NewReader(raw), 1-newest.txid%2, int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	raw[before.freelist*pageSize+8] ^= 0xff
	if err := os.WriteFile(s.path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	r := new(recorder)
	if err := commitTo(t, mustOpen(t, s.path), []change{{key: "k", value: []byte("v")}}, func(*os.File) medium { return r }); err != nil {
		t.Fatal(err)
	}
	if len(r.syncs) != 3 || r.syncs[0] != 0 {
		t.Errorf("syncs after %v writes: want one before the first", r.syncs)
	}
}
