package storetest

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"filehsm/hsmfile/internal/store"
)

func testBoundsRefused(t *testing.T, s store.Store) {
	longKey, longValue := strings.Repeat("k", store.MaxKey+1), make([]byte, store.MaxValue+1)
	err := s.Update(t.Context(), func(w store.Writer) error {
		for _, c := range []struct {
			key   string
			value []byte
		}{{"", []byte("v")}, {"k", nil}, {"k", []byte{}}, {longKey, []byte("v")}, {"k", longValue}} {
			if err := w.Put(c.key, c.value); err == nil {
				t.Errorf("Put of %d and %d bytes was accepted", len(c.key), len(c.value))
			}
		}
		return errors.Join(w.Delete(""), w.Delete(longKey))
	})
	if err != nil {
		t.Errorf("Update: %v", err)
	}
	wantContents(t, s)
}

func testDeleteAbsent(t *testing.T, s store.Store) {
	fill(t, s, "a")
	update(t, s, func(w store.Writer) error {
		return errors.Join(w.Delete("absent"), w.Delete("a"), w.Delete("a"))
	})
	wantContents(t, s)
}

func testOwnWrites(t *testing.T, s store.Store) {
	fill(t, s, "a", "b", "c", "d")
	update(t, s, func(w store.Writer) error {
		err := errors.Join(w.Put("b", []byte("new")), w.Delete("c"), w.Delete("d"), w.Put("bb", []byte("added")),
			w.Put("gone", []byte("x")), w.Delete("gone"))
		all, scanErr := scan(w, "", "")
		want := []record{{"a", "a"}, {"b", "new"}, {"bb", "added"}}
		if !slices.Equal(all, want) {
			t.Errorf("Scan in the transaction = %q, want %q", all, want)
		}
		if v, _ := w.Get("b"); string(v) != "new" {
			t.Errorf("Get of a replaced record = %q", v)
		}
		if v, _ := w.Get("c"); v != nil {
			t.Errorf("Get of a deleted record = %q", v)
		}
		if key, v, _ := w.Last(""); key != "bb" || string(v) != "added" {
			t.Errorf("Last = %q, %q, want the added record", key, v)
		}
		if key, _, _ := w.Last("d"); key != "" {
			t.Errorf("Last = %q, want nothing of what was deleted", key)
		}
		return errors.Join(err, scanErr)
	})
	wantContents(t, s, record{"a", "a"}, record{"b", "new"}, record{"bb", "added"})
}

// testWritesDuringScan: a scan shows the records as they were when it began.
func testWritesDuringScan(t *testing.T, s store.Store) {
	fill(t, s, "a", "b", "c")
	update(t, s, func(w store.Writer) error {
		if err := w.Put("b", []byte("2")); err != nil {
			return err
		}
		var seen []record
		err := w.Scan("", "", func(key string, value []byte) error {
			seen = append(seen, record{key, string(value)})
			return errors.Join(w.Delete(key), w.Delete("c"), w.Put(key+"+", value))
		})
		if want := []record{{"a", "a"}, {"b", "2"}, {"c", "c"}}; !slices.Equal(seen, want) {
			t.Errorf("Scan = %q, want %q", seen, want)
		}
		return err
	})
	wantContents(t, s, record{"a+", "a"}, record{"b+", "2"}, record{"c+", "c"})
}

func testUndoneOnError(t *testing.T, s store.Store) {
	fill(t, s, "a", "b")
	failure := errors.New("no")
	err := s.Update(t.Context(), func(w store.Writer) error {
		return errors.Join(w.Put("a", []byte("changed")), w.Put("c", []byte("c")), w.Delete("b"), failure)
	})
	if !errors.Is(err, failure) {
		t.Errorf("Update = %v, want the error of its closure", err)
	}
	wantContents(t, s, record{"a", "a"}, record{"b", "b"})
}

func testUndoneOnPanic(t *testing.T, s store.Store) {
	fill(t, s, "a")
	if got := caught(func() {
		_ = s.Update(t.Context(), func(w store.Writer) error {
			_ = w.Put("b", []byte("b"))
			panic("mine")
		})
	}); got != "mine" {
		t.Errorf("the closure's panic came back as %v", got)
	}
	wantContents(t, s, record{"a", "a"})
}

func caught(fn func()) (value any) {
	defer func() { value = recover() }()
	fn()
	return nil
}

func testReaderAfterEnd(t *testing.T, s store.Store) {
	fill(t, s, "a")
	var r store.Reader
	var w store.Writer
	view(t, s, func(got store.Reader) error { r = got; return nil })
	update(t, s, func(got store.Writer) error { w = got; return got.Put("b", []byte("b")) })
	for _, err := range []error{
		second(r.Get("a")), second(w.Get("a")), w.Put("c", []byte("c")), w.Delete("a"),
		second(scan(r, "", "")), second(scan(w, "", "")), r.Walk("", "", nil), w.Walk("", "", nil), third(r.Last("")), third(w.Last("")),
	} {
		if err == nil {
			t.Error("a transaction that is over still answers")
		}
	}
	wantContents(t, s, record{"a", "a"}, record{"b", "b"})
}

func second[T any](_ T, err error) error        { return err }
func third[T, U any](_ T, _ U, err error) error { return err }

// testLikeAModel does the same random work on the store and on a map.
func testLikeAModel(t *testing.T, s store.Store) {
	random := rand.New(rand.NewPCG(1, 2))
	model := map[string]string{}
	for range 60 {
		next := maps.Clone(model)
		failure := errors.New("undo")
		keep := random.IntN(4) > 0
		err := s.Update(t.Context(), func(w store.Writer) error {
			for range random.IntN(60) {
				if err := randomWrite(w, next, random); err != nil {
					return err
				}
			}
			all, err := scan(w, "", "")
			if !slices.Equal(all, sorted(next)) {
				t.Error("Scan in the transaction differs from the model")
			}
			if !keep {
				return failure
			}
			return err
		})
		if keep {
			model = next
		}
		if keep != (err == nil) || !slices.Equal(contents(t, s), sorted(model)) {
			t.Fatalf("the store differs from the model (%v)", err)
		}
	}
}

func randomWrite(w store.Writer, model map[string]string, random *rand.Rand) error {
	key := fmt.Sprintf("%c/%d", 'a'+random.IntN(3), random.IntN(150))
	if random.IntN(5) < 2 {
		delete(model, key)
		return w.Delete(key)
	}
	model[key] = strings.Repeat("v", 1+random.IntN(1500))
	return w.Put(key, []byte(model[key]))
}

func sorted(model map[string]string) []record {
	var all []record
	for _, key := range slices.Sorted(maps.Keys(model)) {
		all = append(all, record{key, model[key]})
	}
	return all
}

func testScrubKeepsRecords(t *testing.T, s store.Store) {
	fill(t, s, "a", "b", "c")
	update(t, s, func(w store.Writer) error { return w.Delete("b") })
	for range 3 {
		if err := s.Scrub(t.Context()); err != nil {
			t.Fatalf("Scrub: %v", err)
		}
		wantContents(t, s, record{"a", "a"}, record{"c", "c"})
	}
	fill(t, s, "d")
	wantContents(t, s, record{"a", "a"}, record{"c", "c"}, record{"d", "d"})
}
