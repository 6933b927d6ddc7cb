package filestore

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"filehsm/hsmfile/internal/store"
)

// TestSparePages: what a reader got is his own, whatever is read into the same
// memory later.
func TestSparePages(t *testing.T) {
	s := newStore(t, func(w store.Writer) error { return putMany(w, 300, plainValue) })
	got := map[string][]byte{}
	read := func(r store.Reader) error {
		_, last, err := r.Last("k/")
		if err != nil {
			return err
		}
		got["last"] = last
		if got["one"], err = r.Get("k/00007"); err != nil {
			return err
		}
		return r.Scan("k/", "", func(key string, value []byte) error { got[key] = value; return nil })
	}
	mustUpdate(t, s, func(w store.Writer) error { return errors.Join(read(w), w.Put("other", []byte("x"))) })
	want := map[string][]byte{}
	for key, value := range got {
		want[key] = bytes.Clone(value)
	}
	for i := range 20 {
		mustUpdate(t, s, func(w store.Writer) error {
			return errors.Join(w.Put(fmt.Sprintf("k/%05d", i*13), bytes.Repeat([]byte{'#'}, 900)),
				w.Scan("k/", "", func(string, []byte) error { return nil }))
		})
	}
	for key := range want {
		if !bytes.Equal(got[key], want[key]) {
			t.Errorf("%s was overwritten", key)
		}
	}
}
