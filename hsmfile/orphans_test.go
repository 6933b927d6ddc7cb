package hsmfile

import (
	"testing"

	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/internal/store"
)

// halfDeleted is an image on which alice, who has a key pair and offers half of
// it to bob, was deleted by a process that is between the roster without her and her objects.
func halfDeleted(t *testing.T) (f *fixture, bob *Session) {
	f = newFixture(t, CreateSpec{})
	alice := f.login("alice")
	bob = f.login("bob")
	_, _, err := alice.GeneratePair(f.ctx, PairSpec{Type: attr.EC, Curve: "secp256r1", PublicLabel: "tls", PrivateLabel: "tls"})
	ok(t, err)
	must[*Key](t)(alice.Share(f.ctx, filter(t, "tls"), "bob"))
	ok(t, f.co.im.updateIn(f.ctx, f.im.store, func(c *change) error {
		if err := f.co.check(&c.view, opDeleteUser); err != nil {
			return err
		}
		if _, err := f.co.removeUser(c, f.co.roster.ByName("alice"), nil); err != nil {
			return err
		}
		if err := c.record(f.co.entry(c, opDeleteUser)); err != nil {
			return err
		}
		return c.signHead(f.co.author())
	}))
	f.im.marked.Store(false) // the others do not know
	return f, bob
}

// TestListBesideDeletion: what is left of a user who is being deleted is no
// sign of damage to those who work meanwhile.
func TestListBesideDeletion(t *testing.T) {
	f, bob := halfDeleted(t)
	for _, words := range [][]string{nil, {"tls"}} {
		if got := f.list(bob, words...); len(got) != 0 {
			t.Errorf("bob sees %q", got)
		}
	}
}

// TestBackupBesideDeletion: a backup made meanwhile brings nothing of the
// deleted user back.
func TestBackupBesideDeletion(t *testing.T) {
	f, _ := halfDeleted(t)
	m, age := f.backup(f.login("robot"))
	path := f.newPath()
	im := f.restore(path, m, age)
	whole(t, im)
	f.im, f.path = im, path
	bob := f.login("bob")
	if got := f.list(bob); len(got) != 0 {
		t.Errorf("bob sees %q", got)
	}
	ok(t, im.store.View(f.ctx, func(r store.Reader) error {
		h, err := im.loadHeader(r)
		ok(t, err)
		v := &view{im: im, r: r, h: h}
		orphans, err := v.orphans(must[*roster](t)(v.publicRoster()))
		if len(orphans) > 0 {
			t.Errorf("%d users own keys and are in no roster", len(orphans))
		}
		return err
	}))
}
