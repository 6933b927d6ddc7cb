package hsmfile

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"filehsm/hsmfile/attr"
)

func manyAES(label string, with ...string) SymmetricSpec {
	return SymmetricSpec{Type: attr.AES, Bytes: 32, Label: label, ShareWith: with}
}

// TestGenerateMany: numbered labels, an entry for each thousand that names
// them all, and holdings that agree.
func TestGenerateMany(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	alice := f.login("alice")
	before, _, err := f.im.Head(f.ctx)
	ok(t, err)
	var sizes []int
	seen := map[uint64]bool{}
	made, err := alice.GenerateManySymmetric(f.ctx, manyAES("k"), Many{Count: 2500, Stored: func(keys []*Key) error {
		sizes = append(sizes, len(keys))
		for _, k := range keys {
			seen[k.Reference] = true
		}
		return nil
	}})
	ok(t, err)
	if made != 2500 || len(seen) != 2500 {
		t.Errorf("%d made, %d references, in transactions of %v", made, len(seen), sizes)
	}
	entered := 0
	ok(t, f.im.AuditLog(f.ctx, before, func(e AuditEntry) error {
		if len(e.Keys) > perTransaction {
			t.Errorf("entry %d names %d keys", e.Sequence, len(e.Keys))
		}
		for _, ref := range e.Keys {
			if seen[ref] {
				entered++
			}
		}
		return nil
	}))
	if entered != 2500 {
		t.Errorf("%d keys in the audit log", entered)
	}
	if n := len(f.list(alice)); n != 2500 { // which compares the holdings
		t.Errorf("%d keys listed", n)
	}
	for _, label := range []string{"k-000001", "k-001001", "k-002500"} {
		if n := len(f.list(alice, label)); n != 1 {
			t.Errorf("%d keys with the label %s", n, label)
		}
	}
}

// TestGenerateManyPairs: both halves, and shared ones.
func TestGenerateManyPairs(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	alice, bob := f.login("alice"), f.login("bob")
	spec := PairSpec{Type: attr.EC, Curve: "secp256r1", PublicLabel: "p", PrivateLabel: "s", Usage: []string{"sign"}, ShareWith: []string{"bob"}}
	made, err := alice.GenerateManyPairs(f.ctx, spec, Many{Count: 3})
	ok(t, err)
	if made != 3 || len(f.list(alice)) != 6 {
		t.Errorf("%d made, %v", made, f.list(alice))
	}
	if got := f.list(bob, "attr.class=private-key"); len(got) != 3 {
		t.Errorf("bob sees %v", got)
	}
}

// TestGenerateManyInterrupted: what was stored stays, and the error says how
// much that is.
func TestGenerateManyInterrupted(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	alice := f.login("alice")
	ctx, cancel := context.WithCancel(f.ctx)
	made, err := alice.GenerateManySymmetric(ctx, manyAES("k"), Many{Count: 5000, Stored: func([]*Key) error {
		cancel()
		return nil
	}})
	f.wants(err, context.Canceled, "interrupted")
	if made != perTransaction || len(f.list(alice)) != made {
		t.Errorf("%d made, %d there", made, len(f.list(alice)))
	}
	enough := errors.New("enough")
	made, err = alice.GenerateManySymmetric(f.ctx, manyAES("l"), Many{Count: 5, Stored: func([]*Key) error { return enough }})
	f.wants(err, enough, "an error of the caller's")
	if made != 5 {
		t.Errorf("%d made", made)
	}
}

// TestGenerateManyRemoved: where the file goes away meanwhile, nobody says that
// keys are kept.
func TestGenerateManyRemoved(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	f.damaged = true // there is nothing to check
	alice := f.login("alice")
	made, err := alice.GenerateManySymmetric(f.ctx, manyAES("k"), Many{Count: 5000, Stored: func([]*Key) error {
		return os.Remove(f.path)
	}})
	f.wants(err, ErrNotFound, "removed")
	if made != perTransaction || strings.Contains(err.Error(), "kept") || strings.Contains(HintOf(err), "key list") {
		t.Errorf("%d made, %v; %s", made, err, HintOf(err))
	}
}

// TestGenerateManyRefused: before anything is made.
func TestGenerateManyRefused(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	alice, before := f.login("alice"), 0
	before = len(f.list(alice))
	for name, c := range map[string]struct {
		s     *Session
		spec  SymmetricSpec
		count int
		kind  error
	}{
		"none":           {alice, manyAES("k"), 0, ErrUsage},
		"too many":       {alice, manyAES("k"), MaxCount + 1, ErrUsage},
		"an officer":     {f.co, manyAES("k"), 2, ErrDenied},
		"with himself":   {alice, manyAES("k", "alice"), 2, ErrUsage},
		"with an AU":     {alice, manyAES("k", "robot"), 2, ErrUsage},
		"with nobody":    {alice, manyAES("k", "zoe"), 2, ErrNotFound},
		"no such length": {alice, SymmetricSpec{Type: attr.AES, Bytes: 20, Label: "k"}, 2, ErrUsage},
	} {
		made, err := c.s.GenerateManySymmetric(f.ctx, c.spec, Many{Count: c.count})
		f.wants(err, c.kind, name)
		if made != 0 {
			t.Errorf("%s: %d made", name, made)
		}
	}
	if n := len(f.list(alice)); n != before {
		t.Errorf("%d keys, there were %d", n, before)
	}
}

// TestChangeHint: a refusal names the line that works, or none.
func TestChangeHint(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	alice := f.login("alice")
	hint := func(attributes ...string) string {
		key := must[*Key](t)(alice.GenerateSymmetric(f.ctx, SymmetricSpec{Type: attr.AES, Bytes: 32, Attributes: append(attributes, "destroyable=false")}))
		ref := "key-reference=" + attr.FormatReference(key.Reference)
		_, err := alice.DeleteKey(f.ctx, filter(t, ref))
		f.wants(err, ErrDenied, "delete")
		if HintOf(err) != "filehsm key set-attribute --filter "+ref+" --name destroyable --value true" {
			return HintOf(err)
		}
		must[uint64](t)(alice.SetAttribute(f.ctx, filter(t, ref), "destroyable", "true"))
		must[*Key](t)(alice.DeleteKey(f.ctx, filter(t, ref)))
		return ""
	}
	if h := hint(); h != "" {
		t.Errorf("hint %q", h)
	}
	if h := hint("modifiable=false"); h != "it was made with destroyable=false" {
		t.Errorf("hint %q where nothing can be changed", h)
	}
}
