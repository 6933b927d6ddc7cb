package hsmfile

import (
	"strings"
	"testing"

	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/seal"
)

// TestUsersApart has every internal in hand: with one user's secret, whatever
// else of the file may be read, nobody else's key opens.
func TestUsersApart(t *testing.T) {
	for _, reset := range []string{"keeps-keys", "drops-keys"} {
		t.Run(reset, func(t *testing.T) {
			f := newFixture(t, CreateSpec{Reset: reset})
			sessions := map[string]*Session{"alice": f.login("alice"), "bob": f.login("bob"), "robot": f.login("robot"), "admin": f.co}
			f.aes(sessions["alice"], "a")
			f.aes(sessions["bob"], "b")
			file := records(t, f.path)
			for name, s := range sessions {
				got := f.reach([]*seal.UserKeys{s.keys}, file)
				for _, owner := range []string{"alice", "bob"} {
					want := 0
					if owner == name || (name == "admin" && reset == "keeps-keys") { // escrow: design §3
						want = 1
					}
					got.wants(t, name+" and the keys of "+owner, keyNames(file, f.row(owner).ID), want)
				}
			}
		})
	}
}

// TestOnlyOwnRecordsOpen: beside keys, no record about another user opens.
func TestOnlyOwnRecordsOpen(t *testing.T) {
	f := newFixture(t, CreateSpec{Reset: "drops-keys"})
	alice, bob := f.login("alice"), f.login("bob")
	f.aes(alice, "a")
	_, _, err := bob.GeneratePair(f.ctx, PairSpec{Type: attr.EC, Curve: "secp256r1", PublicLabel: "p", PrivateLabel: "p"})
	ok(t, err)
	for n := range f.reach([]*seal.UserKeys{alice.keys}, records(t, f.path)) {
		if n.Kind() != record.KindPubObj && !strings.HasPrefix(string(n[1:]), alice.id()) {
			t.Errorf("alice opens %s", describeName(n))
		}
	}
}

// TestForeignKeyRecord: bob's record, as it is or put among alice's, is
// refused by the code that uses it.
func TestForeignKeyRecord(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	alice, bob := f.login("alice"), f.login("bob")
	k := f.aes(bob, "b")
	from, to := record.KeyName(bob.id(), k.Reference), record.KeyName(alice.id(), k.Reference)
	b := records(t, f.path)[f.key(from)]
	ok(t, f.im.view(f.ctx, func(v *view) error {
		for _, n := range []record.Name{from, to} {
			_, err := alice.openKey(v, n, b)
			f.wants(err, ErrIntegrity, "open "+describeName(n))
		}
		return nil
	}))
	f.tamper(map[string][]byte{f.key(to): b})
	_, err := alice.ListKeys(f.ctx, filter(t), ListOptions{}, func(*Key) error { return nil })
	f.wants(err, ErrIntegrity, "list with a planted key")
}

// TestFirstPasswordIsOutdated: who made bob's first password, and kept the
// file of that time, opens nothing that bob made after he changed it.
func TestFirstPasswordIsOutdated(t *testing.T) {
	for _, reset := range []string{"keeps-keys", "drops-keys"} {
		t.Run(reset, func(t *testing.T) {
			f := newFixture(t, CreateSpec{Reset: reset})
			bob := f.login("bob")
			f.aes(bob, "before")
			then := records(t, f.path)
			keys := f.oldKeys(then, "bob", passBob)
			ok(t, bob.ChangePassword(f.ctx, pw("bob above the bridge")))
			f.aes(bob, "after")
			now := records(t, f.path)
			names := keyNames(now, bob.user.ID)
			f.reach(keys, then, now).wants(t, "the old password", names, 1)
			if reset == "drops-keys" {
				keys = append(keys, f.co.keys)
				f.reach(keys, then, now).wants(t, "the old password and a CO", names, 1)
			}
			_, err := f.try("bob", passBob, false)
			f.wants(err, ErrAuth, "login with the old password")
		})
	}
}

// TestOfficersOldPassword: an officer's password change must not leave the
// escrows open to whoever knew the old one.
func TestOfficersOldPassword(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	then := records(t, f.path)
	keys := f.oldKeys(then, "admin", passCO)
	ok(t, f.co.ChangePassword(f.ctx, pw("other officer words")))
	alice := f.login("alice")
	f.aes(alice, "after")
	now := records(t, f.path)
	f.reach(keys, then, now).wants(t, "an officer's old password", keyNames(now, alice.user.ID), 0)
	f.reach([]*seal.UserKeys{f.co.keys}, now).wants(t, "the officer himself", keyNames(now, alice.user.ID), 1)
}

// TestDropsKeys: no escrow is ever written, and a reset deletes the keys.
func TestDropsKeys(t *testing.T) {
	f := newFixture(t, CreateSpec{Reset: "drops-keys"})
	alice := f.login("alice")
	f.aes(alice, "a")
	_, _, err := alice.GeneratePair(f.ctx, PairSpec{Type: attr.EC, Curve: "secp256r1", PublicLabel: "p", PrivateLabel: "p"})
	ok(t, err)
	for key := range records(t, f.path) {
		if _, n, ok := record.SetOf(key); ok && n.Kind() == record.KindEscrow {
			t.Errorf("there is an escrow: %s", describeName(n))
		}
	}
	dropped := must[int](t)(f.co.ResetPassword(f.ctx, "alice", pw("alice found again")))
	if dropped != 3 {
		t.Errorf("%d keys dropped, want 3", dropped)
	}
	alice = must[*Session](t)(f.try("alice", "alice found again", false))
	if left := f.list(alice); len(left) != 0 {
		t.Errorf("still there: %q", left)
	}
	f.aes(alice, "new")
	if left := f.list(alice); len(left) != 1 {
		t.Errorf("after a reset a user has %q, want one key", left)
	}
}

// TestKeepsKeys: a reset keeps them, ends the user's sessions, unlocks him,
// and the audit log names officer and user.
func TestKeepsKeys(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	alice := f.login("alice")
	f.aes(alice, "a")
	token := must[SessionToken](t)(alice.Persist(f.ctx, DefaultTTL))
	for range 3 {
		f.try("alice", "wrong", false)
	}
	dropped := must[int](t)(f.co.ResetPassword(f.ctx, "alice", pw("alice found again")))
	if dropped != 0 {
		t.Errorf("%d keys dropped, want none", dropped)
	}
	_, err := f.im.Resume(f.ctx, token)
	f.wants(err, ErrNotFound, "resume after a reset")
	_, err = alice.ListKeys(f.ctx, filter(t), ListOptions{}, func(*Key) error { return nil })
	f.wants(err, ErrDenied, "the open session after a reset")
	alice = must[*Session](t)(f.try("alice", "alice found again", false))
	if left := f.list(alice); len(left) != 1 {
		t.Errorf("after the reset there are %q", left)
	}
	var last AuditEntry
	ok(t, f.im.AuditLog(f.ctx, 0, func(e AuditEntry) error {
		if e.Opcode == "CN_CHANGE_PSWD" {
			last = e
		}
		return nil
	}))
	if last.Username != "admin" || last.Subject != "alice" || last.Unsigned {
		t.Errorf("the audit log says %+v", last)
	}
}
