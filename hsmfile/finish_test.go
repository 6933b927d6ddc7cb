package hsmfile

import (
	"context"
	"strings"
	"testing"

	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/store"
)

// TestForgedMarks: marks lie outside the audit chain, so whoever can write the
// file can write one. None may cost a key or an audit entry: that would leave
// a log in which the loss looks like somebody's wish.
func TestForgedMarks(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	alice := f.login("alice")
	f.aes(alice, "a")
	before := len(records(t, f.path))
	edit(t, f.path, map[string][]byte{
		record.MarkKey(record.MarkDelete + alice.id()): []byte("alice"),
		record.MarkKey(record.MarkSet):                 []byte("1"),
		record.MarkKey(record.MarkScrub):               []byte("1"),
		record.MarkKey("unheard of"):                   []byte("1"),
	})
	f.reopen()
	f.reopen() // nor may they be in the way
	after := records(t, f.path)
	delete(after, record.MarkKey("unheard of"))
	if len(after) != before {
		t.Errorf("%d records, want %d", len(after), before)
	}
	if got := f.list(alice); len(got) != 1 {
		t.Errorf("alice has %q, want her key", got)
	}
}

// meddler lets another process in at one point of a store's work.
type meddler struct {
	store.Store
	scrubbed func()
}

func (m *meddler) Scrub(ctx context.Context) error {
	err := m.Store.Scrub(ctx)
	if fn := m.scrubbed; fn != nil {
		m.scrubbed = nil
		fn()
	}
	return err
}

// TestScrubKeepsLaterMark: what another process deletes after our scrub, and
// dies before scrubbing, must still have its mark.
func TestScrubKeepsLaterMark(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	alice := f.login("alice")
	f.aes(alice, "a")
	f.aes(alice, "b")
	f.im.store = &meddler{f.im.store, func() {
		other := must[*Image](t)(Open(f.ctx, f.path, Options{}))
		ok(t, other.updateIn(f.ctx, other.store, func(c *change) error { // not update: it dies before it finishes
			o, err := alice.findOne(&c.view, filter(t, "b"), "key", anyKey)
			if err != nil {
				return err
			}
			return alice.deleteObject(c, o)
		}))
	}}
	must[*Key](t)(alice.DeleteKey(f.ctx, filter(t, "a")))
	if records(t, f.path)[record.MarkKey(record.MarkScrub)] == nil {
		t.Error("the mark of the second deletion is gone, and its bytes were never overwritten")
	}
}

// TestDeleteUserKilled: the roster without the user is there, his objects
// still are; whoever opens next deletes them, and the log says so.
func TestDeleteUserKilled(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	alice := f.login("alice")
	for range 3 {
		f.aes(alice, "a")
	}
	_, _, err := alice.GeneratePair(f.ctx, PairSpec{Type: attr.EC, Curve: "secp256r1", PublicLabel: "p", PrivateLabel: "p"})
	ok(t, err)
	ok(t, f.im.updateIn(f.ctx, f.im.store, func(c *change) error {
		if err := f.co.check(&c.view, opDeleteUser); err != nil {
			return err
		}
		if _, err := f.co.removeUser(c, f.co.roster.ByName("alice"), nil); err != nil {
			return err
		}
		return c.record(f.co.entry(c, opDeleteUser))
	}))
	whole(t, must[*Image](t)(Open(f.ctx, f.path, Options{})))
	for key := range records(t, f.path) {
		if _, n, ok := record.SetOf(key); ok && n.Kind() != record.KindPublic && strings.Contains(string(n), alice.id()) {
			t.Errorf("still there: %s", describeName(n))
		}
		if _, n, ok := record.SetOf(key); ok && (n.Kind() == record.KindPubObj || n.Kind() == record.KindLabel) {
			t.Errorf("still there: %s", describeName(n))
		}
	}
}

// TestDeletedUser: neither his session, a later command's, nor his password
// gets in.
func TestDeletedUser(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	alice := f.login("alice")
	token := must[SessionToken](t)(alice.Persist(f.ctx, DefaultTTL))
	f.aes(alice, "a")
	n := must[int](t)(f.co.DeleteUser(f.ctx, "alice"))
	if n != 1 {
		t.Errorf("%d keys deleted, want 1", n)
	}
	_, err := alice.GenerateSymmetric(f.ctx, SymmetricSpec{Type: attr.AES, Bytes: 32})
	f.wants(err, ErrDenied, "generate in the open session")
	_, err = f.im.Resume(f.ctx, token)
	f.wants(err, ErrNotFound, "resume")
	_, err = f.try("alice", passAlice, false)
	f.wants(err, ErrAuth, "login")
	_, err = f.co.DeleteUser(f.ctx, "admin")
	f.wants(err, ErrDenied, "a CO deleting himself")
}
