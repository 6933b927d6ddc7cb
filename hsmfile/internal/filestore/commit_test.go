package filestore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"filehsm/hsmfile/internal/store"
)

// commitsOf are changes of every kind to an image of k/00000 to k/00299.
func commitsOf() map[string][]change {
	all := map[string][]change{
		"one record":           {{key: "k/00100", value: []byte("new")}},
		"a value of 256 pages": {{key: "k/00100", value: make([]byte, store.MaxValue)}},
		"nothing":              {{key: fillerKey, value: fillerValue}},
	}
	for i := range 300 {
		if i%50 > 0 { // pages are put together
			all["most deleted"] = append(all["most deleted"], change{key: fmt.Sprintf("k/%05d", i)})
		}
	}
	for i := range 30_000 { // more than one write
		all["very many"] = append(all["very many"], change{key: fmt.Sprintf("s/%08d", i), value: make([]byte, 100)})
	}
	return all
}

// A recorder is a file of which each write and each sync is known.
type recorder struct {
	writes []write // between syncs
	syncs  []int   // how many writes came before each
}

type write struct {
	b  []byte
	at int64
}

func (r *recorder) WriteAt(b []byte, at int64) (int, error) {
	r.writes = append(r.writes, write{append([]byte(nil), b...), at})
	return len(b), nil
}

func (r *recorder) Sync() error {
	r.syncs = append(r.syncs, len(r.writes))
	return nil
}

// commitTo makes changes to an image as if the file were another.
func commitTo(t *testing.T, s *Store, changes []change, medium func(*os.File) medium) error {
	return s.session(t.Context(), true, func(h *session) error {
		at, err := h.tree()
		if err != nil {
			return err
		}
		_, err = commit(medium(h.file), at, changes, new(scratch))
		return err
	})
}

// TestCommitOrder loses the power at every point of a commit. Of what was not
// synced, the first writes are on the medium, the last of them in half, or only
// those after them, or all but one: the image has the old records or the new
// ones.
func TestCommitOrder(t *testing.T) {
	s := newStore(t, func(w store.Writer) error { return putMany(w, 300, plainValue) })
	mustUpdate(t, s, put("k/00200", "so that there are free pages"))
	old, raw := allRecords(t, s), rawImage(t, s)
	for name, changes := range commitsOf() {
		t.Run(name, func(t *testing.T) {
			r := new(recorder)
			err := commitTo(t, s, changes, func(*os.File) medium { return r })
			if err != nil || len(r.syncs) != 2 || r.syncs[1] != len(r.writes) || r.syncs[0] != len(r.writes)-1 {
				t.Fatalf("%d writes, syncs after %v, %v; want one for the meta page, the last", len(r.writes), r.syncs, err)
			}
			losePower(t, r, raw, old, name == "nothing")
		})
	}
}

func losePower(t *testing.T, r *recorder, raw []byte, old string, same bool) {
	path := filepath.Join(fastDir(t), "power.hsm")
	after := func(medium []byte) string {
		if err := os.WriteFile(path, medium, 0o600); err != nil {
			t.Fatal(err)
		}
		now := mustOpen(t, path)
		mustCheck(t, now)
		return allRecords(t, now)
	}
	want := after(applied(raw, r.writes))
	if (want == old) != same {
		t.Fatalf("the records are the old ones: %t", want == old)
	}
	synced := r.syncs[0]
	for n := range synced + 1 {
		for _, there := range [][]write{r.writes[:n], inHalf(r.writes[:n]), r.writes[n:synced], allBut(r.writes[:synced], n)} {
			if after(applied(raw, there)) != old {
				t.Errorf("before the sync, %d of %d writes are there: not the old records", len(there), synced)
			}
		}
	}
}

// applied is a medium with these writes.
func applied(raw []byte, writes []write) []byte {
	b := append([]byte(nil), raw...)
	for _, w := range writes {
		if end := int(w.at) + len(w.b); end > len(b) {
			b = append(b, make([]byte, end-len(b))...)
		}
		copy(b[w.at:], w.b)
	}
	return b
}

func inHalf(writes []write) []write {
	if len(writes) == 0 {
		return nil
	}
	last := writes[len(writes)-1]
	return append(append([]write(nil), writes[:len(writes)-1]...), write{last.b[:len(last.b)/2], last.at})
}

func allBut(writes []write, n int) []write {
	if n >= len(writes) {
		return writes
	}
	return append(append([]write(nil), writes[:n]...), writes[n+1:]...)
}

// A failing medium is a file of which a call fails, and all that come after it:
// of a write that fails, half is there.
type failing struct {
	*os.File
	calls  int  // that succeed
	synced bool // one of them was a sync
}

func (f *failing) fails() bool {
	f.calls--
	return f.calls < 0
}

func (f *failing) WriteAt(b []byte, at int64) (int, error) {
	if !f.fails() {
		return f.File.WriteAt(b, at)
	}
	n, _ := f.File.WriteAt(b[:len(b)/2], at)
	return n, syscall.ENOSPC
}

func (f *failing) Sync() error {
	if f.fails() {
		return syscall.EIO
	}
	f.synced = true
	return f.File.Sync()
}

// TestCommitFails refuses each write and each sync of a commit, and it says so.
// The records are the old ones; only once all pages were synced may they be the
// new ones (half a meta page is all that counts of it). The image goes on.
func TestCommitFails(t *testing.T) {
	raw := rawImage(t, newStore(t, func(w store.Writer) error { return putMany(w, 300, plainValue) }))
	path := filepath.Join(fastDir(t), "failing.hsm")
	for name, changes := range commitsOf() {
		for calls, done := 0, false; !done; calls++ {
			t.Run(fmt.Sprint(name, " ", calls), func(t *testing.T) {
				if err := os.WriteFile(path, raw, 0o600); err != nil {
					t.Fatal(err)
				}
				s := mustOpen(t, path)
				old := allRecords(t, s)
				var f *failing
				err := commitTo(t, s, changes, func(file *os.File) medium {
					f = &failing{File: file, calls: calls}
					return f
				})
				done = err == nil
				mustCheck(t, s)
				now := allRecords(t, s)
				switch {
				case done && (calls < 4 || now == old && name != "nothing"):
					t.Errorf("done after %d calls, and the records are the old ones: %t", calls, now == old)
				case !done && !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EIO):
					t.Errorf("it fails with %v", err)
				case !done && now != old && !f.synced:
					t.Error("it fails, and the records are not the old ones")
				}
				mustUpdate(t, s, put("after", "all"))
				mustCheck(t, s)
			})
		}
	}
}

// TestCommitReadsWhatItLays: a page that no reader would take is not written.
func TestCommitReadsWhatItLays(t *testing.T) {
	s := newStore(t, func(w store.Writer) error { return putMany(w, 300, plainValue) })
	raw := rawImage(t, s)
	for what, c := range map[string]change{
		"a key too long":   {key: fillerKey + "+", value: []byte("v")},
		"a value too long": {key: "k", value: make([]byte, store.MaxValue+1)},
		"an empty value":   {key: "k", value: []byte{}},
	} {
		err := commitTo(t, s, []change{c}, func(file *os.File) medium { return file })
		if !errors.Is(err, store.ErrDamaged) {
			t.Errorf("%s: %v, want ErrDamaged", what, err)
		}
		if string(rawImage(t, s)) != string(raw) {
			t.Errorf("%s: the image was written", what)
		}
	}
}

// TestCommitLast: there is an end to the numbers of commits, and it is said before
// anything is written.
func TestCommitLast(t *testing.T) {
	s := newStore(t, put("k", "v"))
	raw := rawImage(t, s)
	for page := range 2 {
		body := raw[page*pageSize+headerSize:]
		order.PutUint64(body[48:], maxTxid-2+uint64(page))
		order.PutUint64(body[56:], checksum(body))
	}
	writePart(t, s.path, raw, 0)
	mustCheck(t, s)
	if err := s.Update(t.Context(), put("l", "w")); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("Update = %v, want ErrDamaged", err)
	}
	if string(rawImage(t, s)) != string(raw) {
		t.Error("the image was written")
	}
}

// TestCommitInCommit: what the inner one of two changed would be gone.
func TestCommitInCommit(t *testing.T) {
	s := newStore(t, put("k", "v"))
	err := s.Hold(t.Context(), func(h store.Transactor) error {
		return h.Update(t.Context(), func(w store.Writer) error {
			return errors.Join(w.Put("k", []byte("outer")), h.Update(t.Context(), put("l", "inner")))
		})
	})
	if v, _ := get(t, s, "k"); err == nil || v != "v" {
		t.Errorf("an Update in an Update: %v, and k = %q", err, v)
	}
}

// TestHoles: a file of holes may claim any size; what it claims is not taken for
// memory.
func TestHoles(t *testing.T) {
	s := newStore(t, func(w store.Writer) error { return putMany(w, 300, plainValue) })
	claims := func(pages uint64, list bool) {
		raw := rawImage(t, s)
		at := newestOf(t, raw).freelist * pageSize
		for page := range 2 {
			body := raw[page*pageSize+headerSize:]
			order.PutUint64(body[40:], pages)
			order.PutUint64(body[56:], checksum(body))
		}
		if list {
			head := raw[at:]
			order.PutUint16(head[10:], manyFree)
			order.PutUint32(head[12:], uint32(pages/2))
			order.PutUint64(head[headerSize:], pages*pageSize/2/8-100)
			for i := 24; i < pageSize; i += 8 { // a first page in order; the others are holes
				order.PutUint64(head[i:], pages-uint64(pageSize-i))
			}
		}
		path := filepath.Join(fastDir(t), "holes.hsm")
		if err := errors.Join(os.WriteFile(path, raw, 0o600), os.Truncate(path, int64(pages*pageSize))); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		holes := mustOpen(t, path)
		for what, err := range map[string]error{
			"Check":  holes.Check(t.Context()),
			"Scrub":  holes.Scrub(t.Context()),
			"Update": holes.Update(t.Context(), put("k", "v")),
		} {
			if !errors.Is(err, store.ErrDamaged) {
				t.Errorf("%s of a list %t: %v, want ErrDamaged", what, list, err)
			}
		}
		if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > 8<<20 {
			t.Errorf("list %t: %d bytes", list, after.TotalAlloc-before.TotalAlloc)
		}
	}
	claims(1<<50, false)
	claims(1<<18, true)
}
