package filestore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"filehsm/hsmfile/internal/store"
)

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

// TestLayAnewOrder loses the power at every point of a commit that lays all
// pages anew. Of what was not synced, the first writes are on the medium, the last
// of them in half, or only those after them, or all but one: the image has the
// old records or the new ones.
func TestLayAnewOrder(t *testing.T) {
	s := newStore(t, func(w store.Writer) error { return putMany(w, 300, plainValue) })
	old, raw := allRecords(t, s), rawImage(t, s)
	r := new(recorder)
	var records []change
	for i := range 30_000 { // more than one write
		records = append(records, change{key: fmt.Sprintf("s/%08d", i), value: make([]byte, 100)})
	}
	err := s.session(t.Context(), true, func(h *session) error {
		at, err := h.tree()
		if err != nil {
			return err
		}
		used, err := h.usedPages(at.meta, (*tree).load)
		if err != nil {
			return err
		}
		return layAnew(newLayer(r, used), records, at.meta.txid+1)
	})
	if err != nil || len(r.syncs) != 2 || r.syncs[1] != len(r.writes) || r.syncs[0] < 3 {
		t.Fatalf("%d writes, syncs after %v, %v", len(r.writes), r.syncs, err)
	}
	path := filepath.Join(fastDir(t), "power.hsm")
	after := func(medium []byte) string {
		if err := os.WriteFile(path, medium, 0o600); err != nil {
			t.Fatal(err)
		}
		now := mustOpen(t, path)
		mustCheck(t, now)
		return allRecords(t, now)
	}
	all := applied(raw, r.writes)
	want := after(all)
	if want == old {
		t.Fatal("nothing was written")
	}
	synced := r.syncs[0]
	for n := range synced + 1 {
		for _, there := range [][]write{r.writes[:n], inHalf(r.writes[:n]), r.writes[n:synced], without(r.writes[:synced], n)} {
			if after(applied(raw, there)) != old {
				t.Errorf("before the sync, %d of %d writes are there: not the old records", len(there), synced)
			}
		}
	}
	if len(r.writes) != synced+1 {
		t.Fatalf("%d writes after the first sync, want the meta page alone", len(r.writes)-synced)
	}
	if after(applied(applied(raw, r.writes[:synced]), r.writes[synced:])) != want {
		t.Error("with the meta page the new records are not there")
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

func without(writes []write, n int) []write {
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

// TestLayAnewFails refuses each write and each sync of such a commit, and it says
// so. The records are the old ones; only once all pages were synced may they be
// the new ones (half a meta page is all that counts of it). The image goes on.
func TestLayAnewFails(t *testing.T) {
	raw := rawImage(t, newStore(t, func(w store.Writer) error { return putMany(w, 300, plainValue) }))
	path := filepath.Join(fastDir(t), "failing.hsm")
	var records []change
	for i := range 30_000 {
		records = append(records, change{key: fmt.Sprintf("s/%08d", i), value: make([]byte, 100)})
	}
	for calls := 0; ; calls++ {
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		s := mustOpen(t, path)
		old := allRecords(t, s)
		var f *failing
		err := s.session(t.Context(), true, func(h *session) error {
			at, err := h.tree()
			if err != nil {
				return err
			}
			used, err := h.usedPages(at.meta, (*tree).load)
			if err != nil {
				return err
			}
			f = &failing{File: h.file, calls: calls}
			return layAnew(newLayer(f, used), records, at.meta.txid+1)
		})
		mustCheck(t, s)
		now := allRecords(t, s)
		if err == nil {
			if now == old || calls < 5 {
				t.Errorf("done after %d calls, and the records are the old ones: %t", calls, now == old)
			}
			break
		}
		if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EIO) {
			t.Fatalf("call %d: %v", calls, err)
		}
		if now != old && !f.synced {
			t.Errorf("call %d failed, and the records are not the old ones", calls)
		}
		mustUpdate(t, s, func(w store.Writer) error { return w.Put("after", []byte("all")) })
		mustCheck(t, s)
	}
}
