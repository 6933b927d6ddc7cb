package filestore

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"filehsm/hsmfile/internal/store"
)

var pattern = []byte("a secret of thirty-two bytes....")

// remains counts the pattern in the raw file.
func remains(t *testing.T, s *Store) int {
	t.Helper()
	return bytes.Count(rawImage(t, s), pattern)
}

func rawImage(t testing.TB, s *Store) []byte {
	t.Helper()
	b, err := os.ReadFile(s.path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func putMany(w store.Writer, count int, value func(i int) []byte) error {
	for i := range count {
		if err := w.Put(fmt.Sprintf("k/%05d", i), value(i)); err != nil {
			return err
		}
	}
	return nil
}

// secretValue has the pattern at its end, after 0 to 6,000 other bytes.
func secretValue(i int) []byte { return append(bytes.Repeat([]byte("."), i*37%6000), pattern...) }

func plainValue(i int) []byte { return bytes.Repeat([]byte("-"), 1+i*53%900) }

func mustUpdate(t testing.TB, s store.Transactor, fn func(w store.Writer) error) {
	t.Helper()
	if err := s.Update(t.Context(), fn); err != nil {
		t.Fatalf("Update: %v", err)
	}
}

func mustScrub(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Scrub(t.Context()); err != nil {
		t.Fatalf("Scrub: %v", err)
	}
	mustCheck(t, s)
}

func mustCheck(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Check(t.Context()); err != nil {
		t.Fatalf("Check: %v", err)
	}
}

func TestScrubLeavesNoResidue(t *testing.T) {
	const count = 500
	cases := map[string]func(w store.Writer) error{
		"deleted":  func(w store.Writer) error { return deleteAll(w, count) },
		"replaced": func(w store.Writer) error { return putMany(w, count, plainValue) },
		"half and half": func(w store.Writer) error {
			if err := deleteAll(w, count/2); err != nil {
				return err
			}
			return putMany(w, count, plainValue)
		},
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			s := newStore(t, func(w store.Writer) error { return putMany(w, count, secretValue) })
			mustUpdate(t, s, change)
			if remains(t, s) == 0 {
				t.Error("the test is empty: nothing remained before Scrub")
			}
			mustScrub(t, s)
			if n := remains(t, s); n != 0 {
				t.Errorf("%d secrets remain", n)
			}
		})
	}
}

func deleteAll(w store.Writer, count int) error {
	for i := range count {
		if err := w.Delete(fmt.Sprintf("k/%05d", i)); err != nil {
			return err
		}
	}
	return nil
}

// TestScrubOneByOne deletes neighbours of records that stay, so that secrets
// would show in the unused ends of live pages. A record that stays may be there
// twice, in the newest revision and in the one before.
func TestScrubOneByOne(t *testing.T) {
	secret := func(i int) []byte { return fmt.Appendf(nil, "secret number %018d", i) }
	s := newStore(t, func(w store.Writer) error {
		return putMany(w, 60, func(i int) []byte { return append(secretValue(i), secret(i)...) })
	})
	for i := range 60 {
		mustUpdate(t, s, func(w store.Writer) error { return w.Delete(fmt.Sprintf("k/%05d", i)) })
		mustScrub(t, s)
		raw := rawImage(t, s)
		for j := range 60 {
			if stays := j > i; bytes.Contains(raw, secret(j)) != stays {
				t.Fatalf("after deleting up to %d: secret %d in the file is %t", i, j, !stays)
			}
		}
	}
}

// TestScrubReachesBeyondTheMark: what a failed commit wrote lies in free pages
// and behind the last page.
func TestScrubReachesBeyondTheMark(t *testing.T) {
	s := newStore(t, nil)
	raw := rawImage(t, s)
	raw = append(raw, bytes.Repeat(pattern, 1000)...)
	if err := os.WriteFile(s.path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	mustScrub(t, s)
	if n := remains(t, s); n != 0 {
		t.Errorf("%d secrets remain", n)
	}
}

// TestScrubKeepsBothRevisions: after a Scrub the older meta page describes the
// same records as the newest, and all of its pages are there.
func TestScrubKeepsBothRevisions(t *testing.T) {
	s := newStore(t, func(w store.Writer) error { return putMany(w, 300, secretValue) })
	mustUpdate(t, s, func(w store.Writer) error { return deleteAll(w, 290) })
	mustScrub(t, s)
	want := allRecords(t, s)
	spoilNewestMeta(t, s)
	if err := s.View(t.Context(), func(store.Reader) error { return nil }); err == nil {
		t.Fatal("a damaged newest meta page goes unnoticed")
	}
	s.acceptPrevious = true
	if got := allRecords(t, s); got != want {
		t.Errorf("the revision before has %d bytes of records, the newest had %d", len(got), len(want))
	}
	mustUpdate(t, s, func(w store.Writer) error { return w.Put("mended", []byte("yes")) })
	s.acceptPrevious = false
	mustCheck(t, s)
}

func allRecords(t *testing.T, s *Store) string {
	t.Helper()
	var all bytes.Buffer
	err := s.View(t.Context(), func(r store.Reader) error {
		return r.Scan("", "", func(key string, value []byte) error {
			_, err := fmt.Fprintf(&all, "%q=%x\n", key, value)
			return err
		})
	})
	if err != nil {
		t.Fatalf("View: %v", err)
	}
	return all.String()
}

func spoilNewestMeta(t *testing.T, s *Store) {
	t.Helper()
	file, err := os.OpenFile(s.path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	is, err := statusOf(file)
	if err != nil {
		t.Fatal(err)
	}
	newest, _, err := readMetas(file, is.size, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt([]byte{0xAA}, int64(newest.txid%2)*pageSize+headerSize+metaSize-1); err != nil {
		t.Fatal(err)
	}
}

func TestScrubTwiceWritesNoRecords(t *testing.T) {
	s := newStore(t, func(w store.Writer) error { return putMany(w, 100, secretValue) })
	mustScrub(t, s)
	want := allRecords(t, s)
	mustScrub(t, s)
	if allRecords(t, s) != want {
		t.Error("the second Scrub changed records")
	}
}

// TestScrubOfADamagedLeaf: a header that says other pages than are in use is
// found before anything is overwritten. Scrub reads no more of a leaf.
func TestScrubOfADamagedLeaf(t *testing.T) {
	s := newStore(t, func(w store.Writer) error { return putMany(w, 60, secretValue) })
	want, image := allRecords(t, s), rawImage(t, s)
	put := func(at int, value uint32) func(header []byte) {
		return func(header []byte) { order.PutUint32(header[at:], value) }
	}
	for _, id := range leavesOf(t, s) {
		header := image[id*pageSize:][:headerSize]
		overflow := order.Uint32(header[12:])
		spoilt := map[string]func(header []byte){
			"another's number": put(0, uint32(id)+1), "a branch": put(8, branchFlag|uint32(order.Uint16(header[10:]))<<16),
			"one more page": put(12, overflow+1), "very many pages": put(12, 1<<31),
		}
		if overflow > 0 {
			spoilt["one page less"] = put(12, overflow-1)
		}
		for name, spoil := range spoilt {
			content := bytes.Clone(image)
			spoil(content[id*pageSize:])
			path := filepath.Join(t.TempDir(), "spoilt.hsm")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			damaged := mustOpen(t, path)
			if err := damaged.Scrub(t.Context()); !errors.Is(err, store.ErrDamaged) {
				t.Errorf("leaf %d, %s: %v", id, name, err)
			}
			writePart(t, path, header, int64(id)*pageSize)
			if allRecords(t, damaged) != want {
				t.Errorf("leaf %d, %s: records were overwritten", id, name)
			}
		}
	}
}

func leavesOf(t *testing.T, s *Store) (ids []int) {
	t.Helper()
	err := s.session(t.Context(), false, func(h *session) error {
		at, err := h.tree()
		if err != nil {
			return err
		}
		return at.walk((*tree).load, at.top(), nil, func(p *page) error {
			if p.leaf {
				ids = append(ids, int(p.id))
			}
			return nil
		})
	})
	if err != nil || len(ids) < 3 {
		t.Fatalf("%d leaves, %v", len(ids), err)
	}
	return ids
}

func writePart(t *testing.T, path string, part []byte, offset int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(part, offset); err != nil {
		t.Fatal(err)
	}
}
