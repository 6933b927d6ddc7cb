package hsmfile

import (
	"fmt"
	"testing"

	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/internal/chain"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/seal"
	"filehsm/hsmfile/internal/store"
)

// TestDeleteSharer: what others have of a user's keys goes with him, some at a
// time: an entry of the log must not list it all, or it would fit no record, and
// the deletion would never end.
func TestDeleteSharer(t *testing.T) {
	defer func(was int) { recordsPerEntry = was }(recordsPerEntry)
	recordsPerEntry = 40
	f := newFixture(t, CreateSpec{})
	var with []string
	for i := range 6 {
		name := fmt.Sprintf("cu%d", i)
		ok(t, f.co.CreateUser(f.ctx, name, CU, pw("a long enough word "+name)))
		with = append(with, name)
	}
	alice := f.login("alice")
	spec := manyAES("k")
	spec.ShareWith = with
	must[int](t)(alice.GenerateManySymmetric(f.ctx, spec, Many{Count: 20}))
	for _, name := range with[:4] { // the others leave their offers alone
		s := must[*Session](t)(f.try(name, "a long enough word "+name, false))
		if got := f.list(s); len(got) != 20 {
			t.Errorf("%s has %d keys", name, len(got))
		}
	}
	if n := must[int](t)(f.co.DeleteUser(f.ctx, "alice")); n != 20 {
		t.Errorf("%d keys deleted, want 20", n)
	}
	for _, e := range f.entries() {
		if most := recordsPerEntry + 3*len(with) + 2; e.Opcode == chain.Tombstone && len(e.Wrote) > most {
			t.Errorf("entry %d lists %d records, at most %d may be", e.Sequence, len(e.Wrote), most)
		}
	}
	for key := range records(t, f.path) {
		if _, n, ok := record.SetOf(key); ok && (n.Kind() == record.KindOffer || n.Kind() == record.KindShare || n.Kind() == record.KindLabel) {
			t.Errorf("still there: %s", describeName(n))
		}
	}
}

// TestEntriesFit: the largest entries that deleting, sharing and generating make
// fit a record.
func TestEntriesFit(t *testing.T) {
	id, blind, hash := string(make([]byte, record.UserIDSize)), make([]byte, seal.BlindIndexSize), make([]byte, 32)
	for what, e := range map[string]struct {
		records int
		hash    []byte
	}{
		"a deletion":       {recordsPerEntry + 3*maxUsers + perTransaction, nil},
		"a key shared new": {4*maxUsers + 4, hash},
		"keys made":        {2*perTransaction + offersPerTransaction + 1, hash},
	} {
		entry := chain.Entry{Opcode: chain.Tombstone, Subject: fmt.Sprint(make([]byte, 100))}
		for i := range e.records {
			entry.Wrote = append(entry.Wrote, chain.Wrote{Name: []byte(record.LabelName(id, blind, uint64(i))), Hash: e.hash})
		}
		if n := len(entry.Encode()); n > store.MaxValue {
			t.Errorf("the entry of %s takes %d bytes, a record has %d", what, n, store.MaxValue)
		}
	}
}

// TestTrustGoes: with a user goes what officers said of his keys.
func TestTrustGoes(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	for _, name := range []string{"alice", "bob"} {
		k := f.aes(f.login(name), "w")
		must[uint64](t)(f.co.SetAttribute(f.ctx, filter(t, "key-reference="+attr.FormatReference(k.Reference)), "trusted", "true"))
	}
	must[int](t)(f.co.DeleteUser(f.ctx, "alice"))
	r, _ := f.newest()
	if len(r.Trusted) != 1 || string(r.Trusted[0].Owner) != string(f.row("bob").ID) {
		t.Errorf("trusted are %v", r.Trusted)
	}
}
