package hsmfile

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/internal/record"
)

// checkWith is image check of the sample with some records in other places;
// then it is used.
func (s *sample) checkWith(what string, change map[string][]byte) (found bool) {
	s.Helper()
	all := maps.Clone(s.now)
	maps.Copy(all, change)
	im := inMemory(s.T, all)
	report, err := im.Check(s.ctx)
	s.useAll(im, what)
	return err != nil || len(report.Findings) > 0
}

// TestPutBack: a record that was deleted, or lay elsewhere, is found when it
// is put back: the key from before its attribute was set, a share from before
// it was taken back, an offer that was taken up, a label that was changed.
func TestPutBack(t *testing.T) {
	s := newSample(t)
	n := map[string]int{}
	for key, b := range s.older {
		if s.now[key] != nil {
			continue // TestTamper
		}
		what := kind(key) + " put back"
		n[what]++
		if !s.checkWith(what, map[string][]byte{key: b}) && !unnoticed("copied", kind(key)) {
			t.Errorf("%s: %x is not found", what, key)
		}
	}
	for _, what := range []string{"offered share put back", "share put back", "label put back"} {
		if n[what] == 0 {
			t.Errorf("the sample has no %s; it has %v", what, n)
		}
	}
}

// TestPlanted: no record of another image is taken, though both have the same
// users, passwords and labels; neither under its own name nor in the place of
// its like here.
func TestPlanted(t *testing.T) {
	s, other := newSample(t), newSample(t)
	mine := map[string][]string{}
	for _, key := range slices.Sorted(maps.Keys(s.now)) {
		mine[kind(key)] = append(mine[kind(key)], key)
	}
	for _, key := range slices.Sorted(maps.Keys(other.now)) {
		what := kind(key)
		if what != "vs" && what != "vc" && !s.checkWith(what+" of another image", map[string][]byte{key: other.now[key]}) {
			t.Errorf("%s %x of another image: not found", what, key) // a session or counter is for a user whom this image does not have
		}
		if len(mine[what]) == 0 {
			continue
		}
		place := mine[what][0]
		mine[what] = mine[what][1:]
		if bytes.Equal(s.now[place], other.now[key]) {
			continue // a label record is the same in every image
		}
		if !s.checkWith(what+" swapped with another image's", map[string][]byte{place: other.now[key]}) && what != "vs" {
			t.Errorf("%x in the place of %s %x: not found", key, what, place)
		}
	}
	s.plantKey(other)
}

// plantKey puts the record of another image's key in the place of one here.
func (s *sample) plantKey(other *sample) {
	s.Helper()
	mine, theirs := s.firstKey(), other.firstKey()
	all := maps.Clone(s.now)
	all[mine] = other.now[theirs]
	alice, err := inMemory(s.T, all).Login(s.ctx, Credentials{Username: "alice", Password: pw("another alice house")})
	ok(s.T, err)
	_, err = alice.ListKeys(s.ctx, attr.Filter{}, ListOptions{}, func(*Key) error { return nil })
	s.wants(err, ErrIntegrity, "list with another image's key")
}

func (s *sample) firstKey() string {
	alice := s.row("alice")
	for _, key := range slices.Sorted(maps.Keys(s.now)) {
		if _, n, ok := record.SetOf(key); ok && strings.HasPrefix(string(n), string(record.KeyPrefix(string(alice.ID)))) {
			return key
		}
	}
	s.Fatal("alice has no key")
	return ""
}
