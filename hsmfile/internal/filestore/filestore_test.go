package filestore

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filehsm/hsmfile/internal/store"
	"filehsm/hsmfile/internal/store/storetest"

	"go.etcd.io/bbolt"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		s := newStore(t, nil)
		t.Cleanup(func() {
			if err := s.Check(context.Background()); err != nil {
				t.Errorf("Check: %v", err)
			}
		})
		return s
	})
}

// newStore creates an image with init's records and opens it.
func newStore(t testing.TB, init func(store.Writer) error) *Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.hsm")
	if init == nil {
		init = func(store.Writer) error { return nil }
	}
	if err := Create(t.Context(), path, init); err != nil {
		t.Fatalf("Create: %v", err)
	}
	return mustOpen(t, path)
}

func mustOpen(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return s
}

func TestRefused(t *testing.T) {
	dir := t.TempDir()
	image := rawImage(t, newStore(t, nil))
	cases := []struct {
		name    string
		content []byte
		mode    fs.FileMode
		want    error
		text    string
	}{
		{"group may read", image, 0o640, store.ErrPermission, "0640"},
		{"others may write", image, 0o602, store.ErrPermission, "0602"},
		{"empty", nil, 0o600, store.ErrDamaged, "empty"},
		{"text", bytes.Repeat([]byte("text\n"), 5000), 0o600, store.ErrDamaged, "not bbolt's"},
		{"short text", []byte("text"), 0o600, store.ErrDamaged, "4 bytes"},
		{"cut", image[:3*pageSize], 0o600, store.ErrDamaged, "shorter"},
		{"first meta zero", spliced(image, 0, make([]byte, pageSize)), 0o600, store.ErrDamaged, "meta page 0"},
		{"checksum", spliced(image, pageSize+headerSize+60, []byte("x")), 0o600, store.ErrDamaged, "checksum"},
		{"version", spliced(image, headerSize+4, []byte{9}), 0o600, store.ErrDamaged, "version 9"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(dir, c.name)
			if err := errors.Join(os.WriteFile(path, c.content, 0o600), os.Chmod(path, c.mode)); err != nil {
				t.Fatal(err)
			}
			s, err := Open(path, Options{})
			if err != nil {
				s = &Store{path: path}
			}
			for _, err := range []error{
				s.View(t.Context(), func(store.Reader) error { return nil }),
				s.Update(t.Context(), putOne), s.Check(t.Context()), s.Scrub(t.Context()),
			} {
				if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
					t.Errorf("error is %v, want %v and %q", err, c.want, c.text)
				}
			}
			after, _ := os.ReadFile(path)
			if !bytes.Equal(after, c.content) {
				t.Error("a refused file was changed")
			}
		})
	}
}

func spliced(b []byte, at int, with []byte) []byte {
	b = bytes.Clone(b)
	copy(b[at:], with)
	return b
}

func TestOpenWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]error{
		filepath.Join(dir, "absent"):        store.ErrNotExist,
		filepath.Join(dir, "absent", "too"): store.ErrNotExist,
		dir:                                 store.ErrDamaged,
		os.DevNull:                          store.ErrDamaged,
	} {
		if _, err := Open(path, Options{}); !errors.Is(err, want) {
			t.Errorf("Open(%q) = %v, want %v", path, err, want)
		}
	}
}

// TestNothingChanged: reading, and writing nothing, leave every byte alone.
func TestNothingChanged(t *testing.T) {
	s := newStore(t, func(w store.Writer) error { return putMany(w, 100, plainValue) })
	before := rawImage(t, s)
	allRecords(t, s)
	mustCheck(t, s)
	mustUpdate(t, s, func(w store.Writer) error { return w.Delete("absent") })
	mustUpdate(t, s, func(w store.Writer) error {
		return errors.Join(w.Put("fleeting", []byte("x")), w.Delete("fleeting"))
	})
	failure := errors.New("no")
	_ = s.Update(t.Context(), func(w store.Writer) error { return errors.Join(w.Delete("k/00001"), failure) })
	if !bytes.Equal(before, rawImage(t, s)) {
		t.Error("the image changed")
	}
}

// TestShapes grows and shrinks trees at random; every shape that we make must pass
// our checks and bbolt's, and bbolt must read the same as we.
func TestShapes(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	s := newStore(t, nil)
	for round := range 150 {
		mustUpdate(t, s, func(w store.Writer) error { return randomWrites(w, random, round) })
		mustCheck(t, s)
		checkShape(t, s)
		if round%5 == 0 {
			compareWithBolt(t, s)
		}
	}
	compareWithBolt(t, s)
	mustScrub(t, s)
	compareWithBolt(t, s)
}

// randomWrites mostly adds in the first half of a cycle and mostly deletes in
// the second.
func randomWrites(w store.Writer, random *rand.Rand, round int) error {
	for range random.IntN(200) {
		key := strings.Repeat(string(rune('a'+random.IntN(26))), 1+random.IntN(200)) + string(rune('a'+random.IntN(26)))
		size := 1 + random.IntN(300)
		if random.IntN(20) == 0 {
			size = 1 + random.IntN(20000)
		}
		put := random.IntN(10) < 7
		if round%50 >= 25 {
			put = random.IntN(10) < 2
		}
		if err := putOrDelete(w, key, make([]byte, size), put); err != nil {
			return err
		}
	}
	return nil
}

func putOrDelete(w store.Writer, key string, value []byte, put bool) error {
	if put {
		return w.Put(key, value)
	}
	if next, _, err := w.Last(key[:1]); next != "" && err == nil {
		key = next
	}
	return w.Delete(key)
}

func compareWithBolt(t *testing.T, s *Store) {
	t.Helper()
	db, err := bbolt.Open(s.path, 0o600, &bbolt.Options{ReadOnly: true, PreLoadFreelist: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	theirs := map[string]string{}
	err = db.View(func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			t.Errorf("bbolt's own check: %v", err)
		}
		return tx.Bucket([]byte(bucketName)).ForEach(func(k, v []byte) error {
			theirs[string(k)] = string(v)
			return nil
		})
	})
	delete(theirs, fillerKey)
	compareWithMap(t, s, theirs)
	if err != nil {
		t.Fatal(err)
	}
}

func compareWithMap(t *testing.T, s *Store, want map[string]string) {
	t.Helper()
	n := 0
	err := s.View(t.Context(), func(r store.Reader) error {
		return r.Scan("", "", func(key string, value []byte) error {
			n++
			if got, err := r.Get(key); err != nil || !bytes.Equal(got, value) || want[key] != string(value) {
				t.Errorf("%q: Get and Scan and bbolt differ (%v)", key, err)
			}
			return nil
		})
	})
	if err != nil || n != len(want) {
		t.Errorf("%d records, %v, want %d", n, err, len(want))
	}
}
