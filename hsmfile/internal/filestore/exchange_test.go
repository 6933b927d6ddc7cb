package filestore

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"filehsm/hsmfile/internal/store"
)

// TestExchangedPages: each two pages of an image, as they are and with their
// numbers put right. It is found, or the records have the same keys as before;
// and the same values, but for those that run over a page: what is inside a
// value is for the layer above to check.
func TestExchangedPages(t *testing.T) {
	original := exchangeImage(t)
	path := filepath.Join(fastDir(t), "exchanged.hsm")
	want := recordsOf(t, original, path)
	pages, found := len(original)/pageSize, 0
	for a := range pages {
		for b := range a {
			for _, renumbered := range []bool{false, true} {
				got := recordsOf(t, exchanged(original, a, b, renumbered), path)
				if got == nil {
					found++
				} else if !sameRecords(got, want) {
					t.Errorf("pages %d and %d exchanged, renumbered %t: other records, and no error", a, b, renumbered)
				}
			}
		}
	}
	t.Logf("%d of %d found", found, pages*(pages-1))
}

// exchangeImage is small, and has a branch, leaves, a value over pages, free
// pages, and nothing of an older commit in these.
func exchangeImage(t *testing.T) []byte {
	s := newStore(t, func(w store.Writer) error { return putMany(w, 120, plainValue) })
	mustUpdate(t, s, func(w store.Writer) error {
		return errors.Join(deleteAll(w, 30), w.Put("z/big", bytes.Repeat([]byte{7}, 2*pageSize)))
	})
	mustScrub(t, s)
	return rawImage(t, s)
}

func exchanged(original []byte, a, b int, renumbered bool) []byte {
	raw := bytes.Clone(original)
	copy(raw[a*pageSize:], original[b*pageSize:][:pageSize])
	copy(raw[b*pageSize:], original[a*pageSize:][:pageSize])
	if renumbered {
		order.PutUint64(raw[a*pageSize:], uint64(a))
		order.PutUint64(raw[b*pageSize:], uint64(b))
	}
	return raw
}

// recordsOf is everything in an image; nil if a walk or the check refuses it.
func recordsOf(t *testing.T, raw []byte, path string) map[string][]byte {
	t.Helper()
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	s := mustOpen(t, path)
	err := s.View(t.Context(), func(r store.Reader) error {
		return r.Scan("", "", func(key string, value []byte) error {
			all[key] = bytes.Clone(value)
			return nil
		})
	})
	if err = errors.Join(err, s.Check(t.Context())); err == nil {
		return all
	}
	if !errors.Is(err, store.ErrDamaged) {
		t.Errorf("refused for another reason: %v", err)
	}
	return nil
}

func sameRecords(got, want map[string][]byte) bool {
	for key, value := range want {
		if got[key] == nil || len(value) <= pageSize && !bytes.Equal(got[key], value) || len(got[key]) != len(value) {
			return false
		}
	}
	return len(got) == len(want)
}

// TestLengths: an image cut at any half of a page is found, unless what is cut
// off holds nothing; what follows its end is nobody's.
func TestLengths(t *testing.T) {
	original := exchangeImage(t)
	path := filepath.Join(fastDir(t), "cut.hsm")
	want := recordsOf(t, original, path)
	longer := append(bytes.Clone(original), bytes.Repeat([]byte{0xa5}, 2*pageSize)...)
	metas := [2]uint64{order.Uint64(original[headerSize+40:]), order.Uint64(original[pageSize+headerSize+40:])}
	used := int(max(metas[0], metas[1])) * pageSize
	for size := 0; size <= len(longer); size += pageSize / 2 {
		got := recordsOf(t, longer[:size], path)
		if (got == nil) != (size < used) {
			t.Errorf("%d bytes, of which %d are used: refused %t", size, used, got == nil)
		} else if got != nil && !sameRecords(got, want) {
			t.Errorf("%d bytes: other records, and no error", size)
		}
	}
}
