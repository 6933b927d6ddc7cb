package memstore_test

import (
	"errors"
	"strings"
	"testing"

	"filehsm/hsmfile/internal/store"
	"filehsm/hsmfile/internal/store/memstore"
)

// TestFilled: a store that is filled in order is a store like any other, and
// what is out of order or bounds is refused.
func TestFilled(t *testing.T) {
	fill := func(keys ...string) (*memstore.Store, error) {
		return memstore.Filled(func(put func(string, []byte) error) error {
			for _, key := range keys {
				if err := put(key, []byte("value of "+key)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	s, err := fill("a", "b", "b/1", "c")
	if err != nil {
		t.Fatal(err)
	}
	err = s.Update(t.Context(), func(w store.Writer) error { return errors.Join(w.Put("b/0", []byte("new")), w.Delete("a")) })
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	err = s.View(t.Context(), func(r store.Reader) error {
		return r.Scan("", "", func(key string, value []byte) error { got += key + "=" + string(value) + ";"; return nil })
	})
	if want := "b=value of b;b/0=new;b/1=value of b/1;c=value of c;"; got != want || err != nil {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	for _, keys := range [][]string{{"b", "a"}, {"a", "a"}, {""}, {strings.Repeat("k", store.MaxKey+1)}} {
		if _, err := fill(keys...); err == nil {
			t.Errorf("%q is taken", keys)
		}
	}
	_, err = memstore.Filled(func(put func(string, []byte) error) error { return put("a", nil) })
	if err == nil {
		t.Error("an empty value is taken")
	}
}
