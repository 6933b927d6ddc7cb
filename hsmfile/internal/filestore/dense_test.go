package filestore

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"testing"

	"filehsm/hsmfile/internal/store"
)

// putRun puts records in order, as a restore does.
func putRun(w store.Writer, from, to int) error {
	for i := from; i < to; i++ {
		if err := w.Put(fmt.Sprintf("s/%08d", i), make([]byte, 200)); err != nil {
			return err
		}
	}
	return nil
}

// TestDense: a set put in order fills its pages; keys strewn among it later
// split them as ever.
func TestDense(t *testing.T) {
	const count = 20_000
	s := newStore(t, func(w store.Writer) error { return errors.Join(w.Put("a", []byte("1")), w.Put("v", []byte("2"))) })
	mustUpdate(t, s, func(w store.Writer) error { return putRun(w, 0, count) })
	info, err := os.Stat(s.path)
	if err != nil {
		t.Fatal(err)
	}
	if size := int64(count * (10 + 200 + elementSize)); info.Size() > size*5/4 {
		t.Errorf("%d bytes of records take %d", size, info.Size())
	}
	mustUpdate(t, s, func(w store.Writer) error {
		for i := 0; i < count; i += 10 {
			if err := w.Put(fmt.Sprintf("s/%08d+", i), make([]byte, 200)); err != nil {
				return err
			}
		}
		return nil
	})
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
	n := 0
	err = s.View(t.Context(), func(r store.Reader) error {
		return r.Scan("", "", func(string, []byte) error { n++; return nil })
	})
	if want := count + count/10 + 2; n != want || err != nil {
		t.Errorf("%d records, %v, want %d", n, err, want)
	}
}

// TestWriterOrder: what is shown and what is written is the same whether keys
// come in order or not, and from where on they do not.
func TestWriterOrder(t *testing.T) {
	for _, puts := range [][]string{{"b", "c", "d"}, {"d", "c", "b"}, {"b", "d", "c"}, {"c", "d", "b", "c"}, {"c", "c", "d", "b"}} {
		s := newStore(t, func(w store.Writer) error { return errors.Join(w.Put("a", []byte("a")), w.Put("c", []byte("old"))) })
		mustUpdate(t, s, func(w store.Writer) error {
			err := errors.Join(w.Put("aa", []byte("x")), w.Delete("aa"), w.Delete("never"))
			for _, key := range puts {
				err = errors.Join(err, w.Put(key, []byte(key)))
				if v, got := w.Get(key); string(v) != key || got != nil {
					t.Errorf("%v: Get(%q) = %q, %v", puts, key, v, got)
				}
			}
			err = errors.Join(err, w.Delete("b"), w.Put("b", []byte("again")), w.Delete("d"))
			if last, _, got := w.Last(""); last != "c" || got != nil {
				t.Errorf("%v: Last = %q, %v, want c", puts, last, got)
			}
			return err
		})
		got := ""
		err := s.View(t.Context(), func(r store.Reader) error {
			return r.Scan("", "", func(key string, v []byte) error { got += key + "=" + string(v) + " "; return nil })
		})
		if err != nil || got != "a=a b=again c=c " {
			t.Errorf("%v: %q, %v", puts, got, err)
		}
	}
}

// TestUndone: what is put and deleted again is no change.
func TestUndone(t *testing.T) {
	s := newStore(t, func(w store.Writer) error { return w.Put("a", []byte("a")) })
	before := rawImage(t, s)
	mustUpdate(t, s, func(w store.Writer) error { return errors.Join(w.Put("b", []byte("b")), w.Delete("b")) })
	if !bytes.Equal(rawImage(t, s), before) {
		t.Error("the file has changed")
	}
}
