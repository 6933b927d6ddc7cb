package filestore

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"filehsm/hsmfile/internal/store"
)

// keptImage is an image with a short value and, behind it, one that runs over
// their page, last written a while ago: its store takes that for long enough.
func keptImage(t *testing.T) (*Store, time.Time) {
	s := newStore(t, func(w store.Writer) error {
		return errors.Join(w.Put("short", []byte("short value")), w.Put("text", bytes.Repeat([]byte("long value "), 1000)))
	})
	s.settled = 50 * time.Millisecond
	time.Sleep(2 * s.settled)
	waitForTick(t, s.path)
	return s, time.Now()
}

func writtenAt(t *testing.T, path string, at time.Time) time.Time {
	t.Helper()
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
	return at
}

func get(t *testing.T, s *Store, key string) (value string, err error) {
	t.Helper()
	err = s.View(t.Context(), func(r store.Reader) error {
		b, err := r.Get(key)
		value = string(b)
		return err
	})
	return value, err
}

func put(key, value string) func(store.Writer) error {
	return func(w store.Writer) error { return w.Put(key, []byte(value)) }
}

// edit changes the image behind everybody's back.
func edit(t *testing.T, path, old, new string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(b, []byte(old)) {
		t.Fatalf("%q is not there: %v", old, err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(bytes.ReplaceAll(b, []byte(old), []byte(new)), 0); err != nil {
		t.Fatal(err)
	}
}

// TestKept: pages serve the next session while the file is as it was, and only
// then: who edits it can set its time of modification back, and no other.
func TestKept(t *testing.T) {
	s, at := keptImage(t)
	for range 2 { // the second time through another handle than the page was read with
		for key, want := range map[string]string{"short": "short value", "text": "long value "} {
			if got, err := get(t, s, key); err != nil || !strings.HasPrefix(got, want) {
				t.Fatalf("%s: %.20q, %v", key, got, err)
			}
		}
	}
	before := atHand(s)
	if _, err := get(t, s, "short"); err != nil || shared(before, atHand(s)) == 0 {
		t.Errorf("every session reads its own pages, %v", err)
	}
	edit(t, s.path, "short value", "other value")
	writtenAt(t, s.path, at)
	if got, err := get(t, s, "short"); got != "other value" || err != nil {
		t.Errorf("of a file written since: %q, %v", got, err)
	}
}

// atHand are the leaves that a store has kept.
func atHand(s *Store) (pages []*page) {
	if t := s.kept.Load(); t != nil {
		for _, p := range t.leaves {
			pages = append(pages, p)
		}
	}
	return pages
}

// shared is how many pages are in both, in the same memory.
func shared(a, b []*page) (n int) {
	for _, p := range a {
		if slices.Contains(b, p) {
			n++
		}
	}
	return n
}

// TestKeptNot: a commit, by this process or another, another file at the path,
// and a write of a moment ago.
func TestKeptNot(t *testing.T) {
	put := func(s *Store) error {
		return s.Update(t.Context(), func(w store.Writer) error { return w.Put("short", []byte("newer value")) })
	}
	for name, change := range map[string]func(s *Store) error{
		"own commit":      put,
		"another's":       func(s *Store) error { return put(mustOpen(t, s.path)) },
		"a moment ago":    func(s *Store) error { edit(t, s.path, "short value", "newer value"); return nil },
		"a file replaced": replaceFile(t),
	} {
		t.Run(name, func(t *testing.T) {
			s, at := keptImage(t)
			if name == "a moment ago" {
				s.settled = settled
				at = writtenAt(t, s.path, time.Now())
			}
			if got, err := get(t, s, "short"); got != "short value" || err != nil {
				t.Fatalf("%q, %v", got, err)
			}
			if err := change(s); err != nil {
				t.Fatal(err)
			}
			writtenAt(t, s.path, at)
			if got, err := get(t, s, "short"); got != "newer value" || err != nil {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

// replaceFile puts an edited copy in the image's place: the same but for one
// value.
func replaceFile(t *testing.T) func(*Store) error {
	return func(s *Store) error {
		b, err := os.ReadFile(s.path)
		if err != nil {
			return err
		}
		b = bytes.ReplaceAll(b, []byte("short value"), []byte("newer value"))
		if err := os.WriteFile(s.path+".new", b, 0o600); err != nil {
			return err
		}
		return os.Rename(s.path+".new", s.path)
	}
}

// TestKeptReader: a reader whose transaction is over stays so while another
// session has its pages.
func TestKeptReader(t *testing.T) {
	s, _ := keptImage(t)
	var old store.Reader
	if err := s.View(t.Context(), func(r store.Reader) error { old = r; _, err := r.Get("short"); return err }); err != nil {
		t.Fatal(err)
	}
	err := s.View(t.Context(), func(store.Reader) error {
		if b, err := old.Get("short"); err == nil {
			t.Errorf("it still reads %q", b)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestKeptIsNotWritten: a commit does not go by pages that were kept of a file
// that somebody has edited since, its time set back.
func TestKeptIsNotWritten(t *testing.T) {
	s, at := keptImage(t)
	if _, err := get(t, s, "short"); err != nil {
		t.Fatal(err)
	}
	raw := rawImage(t, s)
	for at := 0; at < len(raw); at += pageSize {
		if order.Uint16(raw[at+8:]) == leafFlag && bytes.Contains(raw[at:at+pageSize], []byte("short value")) {
			writePart(t, s.path, bytes.Repeat([]byte{0xff}, 64), int64(at)+headerSize)
		}
	}
	writtenAt(t, s.path, at)
	spoiled := rawImage(t, s)
	if err := s.Update(t.Context(), put("short", "newer value")); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("Update = %v, want ErrDamaged", err)
	}
	if !bytes.Equal(rawImage(t, s), spoiled) {
		t.Error("it was written to")
	}
}
