package hsmfile

import (
	"context"
	"maps"
	"testing"

	"filehsm/hsmfile/internal/record"
)

// TestPlaces: image check finds a record that lies where there are none, and
// each of several; a set that waits to be deleted is no finding.
func TestPlaces(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	all := records(t, f.path)
	report := func(more ...string) []Finding {
		t.Helper()
		changed := maps.Clone(all)
		for _, key := range more {
			changed[key] = []byte("x")
		}
		return must[*CheckReport](t)(inMemory(t, changed).Check(context.Background())).Findings
	}
	for _, key := range []string{"a", "f", "hh", "i", "s", record.SetPrefix(7) + "k", "v", "va", "vz", "z", "\xff"} {
		if found := report(key); len(found) != 1 {
			t.Errorf("%q: %v", key, found)
		}
	}
	if found := report("a", "aa", "vz", "z"); len(found) != 4 {
		t.Errorf("four: %v", found)
	}
	if found := report(record.MarkKey(record.MarkSet), record.SetPrefix(7)+"k"); len(found) != 0 {
		t.Errorf("a set that waits: %v", found)
	}
}
