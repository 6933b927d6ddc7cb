package hsmfile

import (
	"context"
	"testing"

	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/store"
)

// TestDeadSets: every record of a set that is not live goes, before and behind
// the live one, and no other; what was deleted is to be overwritten, and where
// there was nothing nothing is.
func TestDeadSets(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	f.aes(f.login("alice"), "a")
	before := records(t, f.path)
	var live uint32
	ok(t, f.im.view(f.ctx, func(v *view) error { live = v.h.Set; return nil }))
	m := &scrubs{Store: f.im.store}
	f.im.store = m
	remains := func(dead map[string][]byte) {
		t.Helper()
		dead[record.MarkKey(record.MarkSet)] = []byte("1")
		edit(t, f.path, dead)
		ok(t, f.im.finish(f.ctx))
		after := records(t, f.path)
		if len(after) != len(before) {
			t.Errorf("%d records, want %d", len(after), len(before))
		}
		for key := range dead {
			if after[key] != nil {
				t.Errorf("%x is still there", key)
			}
		}
	}
	remains(map[string][]byte{})
	if m.n != 0 {
		t.Errorf("%d scrubs of nothing", m.n)
	}
	remains(map[string][]byte{
		record.SetPrefix(live):                 []byte("1"), // without a name
		record.SetPrefix(live-1) + "k":         []byte("1"),
		record.SetPrefix(live+1) + "k":         []byte("1"),
		record.SetPrefix(live + 1):             []byte("1"),
		record.AllSets() + "\xff\xff\xff\xffk": []byte("1"),
	})
	if m.n == 0 {
		t.Error("what was deleted was not overwritten")
	}
}

// scrubs counts them.
type scrubs struct {
	store.Store
	n int
}

func (s *scrubs) Scrub(ctx context.Context) error {
	s.n++
	return s.Store.Scrub(ctx)
}
