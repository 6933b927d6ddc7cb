package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"filehsm/hsmfile/internal/store"
)

func testEmpty(t *testing.T, s store.Store) {
	wantContents(t, s)
	view(t, s, func(r store.Reader) error {
		if v, err := r.Get("absent"); v != nil || err != nil {
			t.Errorf("Get = %q, %v, want nil, nil", v, err)
		}
		if k, v, err := r.Last(""); k != "" || v != nil || err != nil {
			t.Errorf("Last = %q, %q, %v, want nothing", k, v, err)
		}
		return nil
	})
}

func testGet(t *testing.T, s store.Store) {
	fill(t, s, "b")
	for key, want := range map[string]string{"b": "b", "a": "", "c": "", "bb": "", "": ""} {
		view(t, s, func(r store.Reader) error {
			v, err := r.Get(key)
			if err != nil || string(v) != want || (v == nil) != (want == "") {
				t.Errorf("Get(%q) = %q, %v, want %q", key, v, err, want)
			}
			return nil
		})
	}
}

// testValuesAreCopies spoils every slice that a store gives away, inside the
// transaction and after it.
func testValuesAreCopies(t *testing.T, s store.Store) {
	var kept []byte
	update(t, s, func(w store.Writer) error {
		err := errors.Join(w.Put("k", []byte("value")), w.Put("l", []byte("other")))
		own, _ := w.Get("k")
		clear(own)
		return err
	})
	view(t, s, func(r store.Reader) error {
		kept, _ = r.Get("k")
		seen, _ := r.Get("k")
		clear(seen)
		_, last, _ := r.Last("k")
		clear(last)
		return r.Scan("", "", func(_ string, v []byte) error { clear(v); return nil })
	})
	update(t, s, func(w store.Writer) error { return w.Put("l", []byte("third")) })
	if string(kept) != "value" {
		t.Errorf("value changed to %q after its transaction", kept)
	}
	wantContents(t, s, record{"k", "value"}, record{"l", "third"})
}

// testWalk: a walk shows what a scan does, whatever is looked up meanwhile,
// over many pages, in a View and among a writer's own changes.
func testWalk(t *testing.T, s store.Store) {
	update(t, s, func(w store.Writer) error {
		for i := range 2000 {
			if err := w.Put(fmt.Sprintf("k/%04d", i), bytes.Repeat([]byte{byte(i)}, 1+i%300)); err != nil {
				return err
			}
		}
		return errors.Join(w.Put("k", []byte("before")), w.Put("l", bytes.Repeat([]byte("after"), 4000)))
	})
	view(t, s, func(r store.Reader) error { compareWalks(t, r); return nil })
	update(t, s, func(w store.Writer) error {
		err := errors.Join(w.Delete("k/0700"), w.Put("k/0701", []byte("changed")), w.Put("k/0702+", []byte("new")))
		compareWalks(t, w)
		return err
	})
}

func compareWalks(t *testing.T, r store.Reader) {
	t.Helper()
	for _, c := range []struct{ prefix, after string }{{"", ""}, {"k/", ""}, {"k/", "k/0700"}, {"k/07", "k/0750+"}, {"l", ""}, {"l", "l"}, {"m", ""}, {"k/", "z"}} {
		for _, most := range []int{1, 500, 1 << 30} {
			if got, want := walked(t, r, c.prefix, c.after, most), scanned(t, r, c.prefix, c.after, most); !slices.Equal(got, want) {
				t.Errorf("Walk(%q, %q) shows %d records, Scan %d, or others", c.prefix, c.after, len(got), len(want))
			}
		}
	}
}

func walked(t *testing.T, r store.Reader, prefix, after string, most int) (all []record) {
	t.Helper()
	err := r.Walk(prefix, after, func(key, value []byte) error {
		if own, err := r.Get(string(key)); err != nil || !bytes.Equal(own, value) {
			t.Errorf("Walk shows %q under %q, Get %q, %v", value, key, own, err)
		}
		all = append(all, record{string(key), string(value)})
		if len(all) == most {
			return store.ErrStop
		}
		return nil
	})
	if err != nil {
		t.Errorf("Walk(%q, %q): %v", prefix, after, err)
	}
	return all
}

func scanned(t *testing.T, r store.Reader, prefix, after string, most int) (all []record) {
	t.Helper()
	err := r.Scan(prefix, after, func(key string, value []byte) error {
		all = append(all, record{key, string(value)})
		if len(all) == most {
			return store.ErrStop
		}
		return nil
	})
	if err != nil {
		t.Errorf("Scan(%q, %q): %v", prefix, after, err)
	}
	return all
}

func testScanOrder(t *testing.T, s store.Store) {
	fill(t, s, "b", "a/2", "a", "c", "a/10", "B", "a/1")
	var want []record
	for _, key := range []string{"B", "a", "a/1", "a/10", "a/2", "b", "c"} {
		want = append(want, record{key, key})
	}
	wantContents(t, s, want...)
}

func testScanPrefixAfter(t *testing.T, s store.Store) {
	fill(t, s, "a", "b/1", "b/2", "b/3", "b0", "c")
	for _, c := range []struct{ prefix, after, want string }{
		{"b/", "", "b/1 b/2 b/3"},
		{"b", "", "b/1 b/2 b/3 b0"},
		{"b/", "b/1", "b/2 b/3"},
		{"b/", "b/10", "b/2 b/3"},
		{"b/", "b/3", ""},
		{"b/", "a", "b/1 b/2 b/3"},
		{"b/", "b/", "b/1 b/2 b/3"},
		{"b/", "zzz", ""},
		{"b/2", "", "b/2"},
		{"b/2", "b/2", ""},
		{"", "b/3", "b0 c"},
		{"x", "", ""},
		{"", "c", ""},
	} {
		view(t, s, func(r store.Reader) error {
			all, err := scan(r, c.prefix, c.after)
			if got := keysOf(all); got != c.want {
				t.Errorf("Scan(%q, %q) = %q, want %q", c.prefix, c.after, got, c.want)
			}
			return err
		})
	}
}

func keysOf(all []record) string {
	var keys []string
	for _, r := range all {
		keys = append(keys, r.key)
	}
	return strings.Join(keys, " ")
}

func testScanStops(t *testing.T, s store.Store) {
	fill(t, s, "a", "b", "c")
	failure := errors.New("enough")
	for _, c := range []struct{ returned, want error }{
		{store.ErrStop, nil},
		{fmt.Errorf("found: %w", store.ErrStop), nil},
		{failure, failure},
	} {
		n := 0
		err := s.View(t.Context(), func(r store.Reader) error {
			return r.Scan("", "", func(string, []byte) error { n++; return c.returned })
		})
		if n != 1 || !errors.Is(err, c.want) {
			t.Errorf("after %v: %d calls, error %v, want 1 call, error %v", c.returned, n, err, c.want)
		}
	}
}

// testScanBinaryKeys: keys are bytes; the greatest ones have no successor of
// their own length.
func testScanBinaryKeys(t *testing.T, s store.Store) {
	longest := strings.Repeat("\xff", store.MaxKey)
	keys := []string{"\x00", "\x00\x00", "a\xff", "a\xff\xff", "b", "\xff", "\xff\x00", "\xff\xff", longest}
	fill(t, s, keys...)
	view(t, s, func(r store.Reader) error {
		all, err := scan(r, "", "")
		if got, want := keysOf(all), strings.Join(keys, " "); got != want {
			t.Errorf("Scan = %q, want %q", got, want)
		}
		high, _ := scan(r, "\xff", "\xff\x00")
		if got, want := keysOf(high), "\xff\xff "+longest; got != want {
			t.Errorf("Scan of the greatest = %q, want %q", got, want)
		}
		if key, _, _ := r.Last("a\xff"); key != "a\xff\xff" {
			t.Errorf("Last(a ff) = %q", key)
		}
		if key, _, _ := r.Last("\xff"); key != longest {
			t.Errorf("Last(ff) = %q", key)
		}
		return err
	})
}

func testLast(t *testing.T, s store.Store) {
	fill(t, s, "a/1", "a/2", "b", "c/9")
	for prefix, want := range map[string]string{
		"": "c/9", "a": "a/2", "a/": "a/2", "a/1": "a/1", "b": "b", "b/": "", "c": "c/9", "d": "", "0": "",
	} {
		view(t, s, func(r store.Reader) error {
			key, value, err := r.Last(prefix)
			if key != want || string(value) != want {
				t.Errorf("Last(%q) = %q, %q, want %q", prefix, key, value, want)
			}
			return err
		})
	}
}

func testLargeRecords(t *testing.T, s store.Store) {
	big := make([]record, 6)
	update(t, s, func(w store.Writer) error {
		for i := range big {
			key := strings.Repeat(string(rune('a'+i)), store.MaxKey)
			value := bytes.Repeat([]byte{byte(i), 1, 2}, store.MaxValue)[:store.MaxValue-i]
			big[i] = record{key, string(value)}
			if err := w.Put(key, value); err != nil {
				return err
			}
		}
		return nil
	})
	if !slices.Equal(contents(t, s), big) {
		t.Error("the largest records do not come back as they were")
	}
}

// testManyRecords is large enough for a store's inner structure to have levels.
func testManyRecords(t *testing.T, s store.Store) {
	const count = 5000
	name := func(i int) string { return fmt.Sprintf("k/%06d", i) }
	for part := range 5 {
		update(t, s, func(w store.Writer) error {
			for i := part; i < count; i += 5 {
				if err := w.Put(name(i), bytes.Repeat([]byte(name(i)), 10)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	view(t, s, func(r store.Reader) error {
		for i := 0; i < count; i += 37 {
			if v, err := r.Get(name(i)); err != nil || !bytes.HasPrefix(v, []byte(name(i))) {
				t.Fatalf("Get(%q) = %q, %v", name(i), v, err)
			}
		}
		all, err := scan(r, "k/", name(99))
		if len(all) != count-100 || all[0].key != name(100) || all[len(all)-1].key != name(count-1) {
			t.Errorf("Scan gave %d records", len(all))
		}
		return err
	})
}
