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
	t    *testing.T
	path string
	disk []byte // as it was synced: without the first one's meta page

	old, one, both string // the records before, after the first, and after the second
	two            *recorder
}

func newUnsure(t *testing.T, first, second []change) *unsure {
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
	u.disk = applied(raw, r.writes[:r.syncs[0]])
	cached := applied(raw, r.writes)
	u.one = u.records(cached)
	u.two = new(recorder)
	if err := commitTo(t, mustOpen(t, u.path), second, func(*os.File) medium { return u.two }); err != nil {
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
// records before or after the first. Once it is confirmed there are its own, also
// if the first one's meta page never came to the disk.
func TestUnsure(t *testing.T) {
	kinds := commitsOf()
	delete(kinds, "very many")
	for first, changes := range kinds {
		for second := range kinds {
			t.Run(first+", then "+second, func(t *testing.T) {
				u := newUnsure(t, changes, kinds[second])
				synced := u.two.syncs[0]
				for n := range synced + 1 {
					for _, there := range [][]write{u.two.writes[:n], u.two.writes[n:synced], allBut(u.two.writes[:synced], n)} {
						if got := u.records(applied(u.disk, there)); got != u.old && got != u.one {
							t.Errorf("%d of %d writes are there: records of neither", len(there), synced)
						}
					}
				}
				if got := u.records(applied(u.disk, u.two.writes)); got != u.both {
					t.Error("the second was confirmed, and the records are not those after both")
				}
			})
		}
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
	if len(r.syncs) != 3 || r.syncs[0] != 1 || r.writes[0].at != int64(newest.txid%2)*pageSize {
		t.Errorf("syncs after %v writes, the first at %d: want the newest meta page synced first", r.syncs, r.writes[0].at)
	}
}
