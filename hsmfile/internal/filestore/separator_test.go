package filestore

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"filehsm/hsmfile/internal/store"
)

// TestFlippedSeparator: a flipped bit in a key of a branch would send look-ups
// into a page where what they look for is not. Whatever is asked or changed, it
// is right, or the image is damaged; a key is never missing, an older one never
// the last, and nothing is written into the wrong page.
func TestFlippedSeparator(t *testing.T) {
	raw := rawImage(t, newStore(t, func(w store.Writer) error { return putMany(w, 300, plainValue) }))
	path := filepath.Join(fastDir(t), "flipped.hsm")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, path)
	var keys []string
	var branches []uint64
	err := s.View(t.Context(), func(r store.Reader) error {
		err := r.Walk("", "", func(key, _ []byte) error { keys = append(keys, string(key)); return nil })
		for id := range r.(*tree).branches {
			branches = append(branches, id)
		}
		return err
	})
	if err != nil || len(branches) == 0 {
		t.Fatal(len(branches), err)
	}
	flips := 0
	for _, id := range branches {
		p := new(page)
		if err := p.read(bytes.NewReader(raw), id, &meta{pages: uint64(len(raw) / pageSize)}); err != nil {
			t.Fatal(err)
		}
		for _, it := range p.items {
			at := int(id)*pageSize + it.at - len(it.key)
			for i := max(0, len(it.key)-3); i < len(it.key); i++ { // where keys differ
				damaged := bytes.Clone(raw)
				damaged[at+i] ^= 1 << (i % 3)
				writePart(t, s.path, damaged, 0)
				askAll(t, s, keys)
				changeAll(t, s, keys)
				flips++
			}
		}
	}
	if flips < 40 {
		t.Errorf("only %d flips", flips)
	}
	writePart(t, s.path, raw, 0)
	mustCheck(t, s)
}

func askAll(t *testing.T, s *Store, keys []string) {
	t.Helper()
	for i, key := range keys {
		err := s.View(t.Context(), func(r store.Reader) error {
			value, err := r.Get(key)
			if err == nil && value == nil {
				t.Errorf("%q is missing", key)
			}
			last, _, lastErr := r.Last(key[:len(key)-1])
			if lastErr == nil && last < key {
				t.Errorf("the last of %q… is %q", key[:len(key)-1], last)
			}
			if absent, err := r.Get(key + "+"); err == nil && absent != nil {
				t.Errorf("%q+ is there", key)
			}
			return errors.Join(err, lastErr)
		})
		if err != nil && !errors.Is(err, store.ErrDamaged) {
			t.Errorf("key %d: %v", i, err)
		}
	}
}

// changeAll puts a key beside each, and nothing stays that is not found again.
func changeAll(t *testing.T, s *Store, keys []string) {
	t.Helper()
	before := rawImage(t, s)
	for i := 0; i < len(keys); i += 5 {
		key := keys[i]
		asked := s.View(t.Context(), func(r store.Reader) error { _, err := r.Get(key + "+"); return err })
		err := s.Update(t.Context(), func(w store.Writer) error { return w.Put(key+"+", []byte("new")) })
		if errors.Is(err, store.ErrDamaged) {
			continue
		}
		if asked != nil {
			t.Errorf("%q+ cannot be looked up, %v, and was put", key, asked)
		}
		if err != nil {
			t.Fatal(err)
		}
		err = s.View(t.Context(), func(r store.Reader) error {
			value, err := r.Get(key + "+")
			if err == nil && string(value) != "new" {
				t.Errorf("%q+ was put and is %q", key, value)
			}
			return err
		})
		if err != nil {
			t.Errorf("%q+ was put, and now %v", key, err)
		}
		writePart(t, s.path, before, 0)
	}
}
