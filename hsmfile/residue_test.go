package hsmfile

import (
	"bytes"
	"os"
	"testing"

	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/seal"
)

// absent fails the test if the raw file, free pages included, has any of these
// bytes.
func (f *fixture) absent(what string, all ...[]byte) {
	f.Helper()
	file := must[[]byte](f.T)(os.ReadFile(f.path))
	for i, b := range all {
		if len(b) < 16 {
			f.Fatalf("%s: %d bytes are too few to look for", what, len(b))
		}
		if bytes.Contains(file, b) {
			f.Errorf("%s: secret %d is still in the file", what, i)
		}
	}
}

// material is a generic secret of alice's, as the HSM has it inside.
func (f *fixture) material(s *Session, label string) []byte {
	f.Helper()
	must[*Key](f.T)(s.GenerateSymmetric(f.ctx, SymmetricSpec{Type: attr.GenericSecret, Bytes: 64, Label: label}))
	o, err := s.oneByLabel(f, label)
	ok(f.T, err)
	return bytes.Clone(o.material.Reveal())
}

// sealedParts is what lies in the file under a user's password and keys:
// parts long enough to be no coincidence.
func (f *fixture) sealedParts(user []byte) (all [][]byte) {
	f.Helper()
	for key, b := range records(f.T, f.path) {
		_, n, ok := record.SetOf(key)
		if !ok || len(n) < 9 || string(n[1:9]) != string(user) {
			continue
		}
		var k record.Key
		var l record.Login
		var left record.Left
		switch n.Kind() {
		case record.KindKey:
			must[any](f.T)(nil, record.Decode(b, &k))
			all = append(all, k.DEK, k.Body)
		case record.KindLogin:
			must[any](f.T)(nil, record.Decode(b, &l))
			all = append(all, l.Sealed)
		case record.KindEscrow, record.KindCommon:
			must[any](f.T)(nil, record.Decode(b, &left))
			all = append(all, left.Box.Sealed)
		}
	}
	return all
}

// secretsOf is every raw secret that a session has.
func secretsOf(s *Session) [][]byte {
	k := s.keys
	return [][]byte{k.Secret().Reveal(), k.Sealing().Reveal(), k.Index().Reveal()}
}

// TestResidue follows known bytes through the life of a key, a password and a
// user: never in the clear, and gone for good when they are gone.
func TestResidue(t *testing.T) {
	for _, tc := range []struct {
		what string
		do   func(f *fixture, alice *Session)
	}{
		{"key delete", func(f *fixture, alice *Session) { must[*Key](t)(alice.DeleteKey(f.ctx, filter(t, "k"))) }},
		{"password change", func(f *fixture, alice *Session) {
			ok(t, alice.ChangePassword(f.ctx, pw("another alice house")))
		}},
		{"reset, keys kept", func(f *fixture, alice *Session) {
			must[int](t)(f.co.ResetPassword(f.ctx, "alice", pw("another alice house")))
		}},
		{"user delete", func(f *fixture, alice *Session) { must[int](t)(f.co.DeleteUser(f.ctx, "alice")) }},
		{"zeroize", func(f *fixture, alice *Session) { ok(t, f.co.Zeroize(f.ctx)) }},
		{"wiped by wrong passwords", func(f *fixture, alice *Session) {
			for range 3 {
				f.try("admin", "wrong", true)
			}
		}},
	} {
		t.Run(tc.what, func(t *testing.T) {
			f := newFixture(t, CreateSpec{})
			alice := f.login("alice")
			clear := append(secretsOf(alice), f.material(alice, "k"))
			f.absent("in the clear", clear...)
			before := f.sealedParts(alice.user.ID)
			if len(before) < 4 {
				t.Fatalf("%d sealed parts, want key, login, escrow, common key", len(before))
			}
			tc.do(f, alice)
			f.reopen()
			f.absent("in the clear, after", clear...)
			f.absent("sealed, after", gone(before, f.sealedParts(alice.user.ID))...)
		})
	}
}

// gone is what was there before and is not now.
func gone(before, now [][]byte) (all [][]byte) {
	there := map[string]bool{}
	for _, b := range now {
		there[string(b)] = true
	}
	for _, b := range before {
		if !there[string(b)] {
			all = append(all, b)
		}
	}
	return all
}

// TestResidueDropsKeys: the reset that deletes a CU's keys.
func TestResidueDropsKeys(t *testing.T) {
	f := newFixture(t, CreateSpec{Reset: "drops-keys"})
	alice := f.login("alice")
	clear := append(secretsOf(alice), f.material(alice, "k"))
	before := f.sealedParts(alice.user.ID)
	must[int](t)(f.co.ResetPassword(f.ctx, "alice", pw("another alice house")))
	f.absent("in the clear", clear...)
	f.absent("sealed", gone(before, f.sealedParts(alice.user.ID))...)
}

// TestResidueSession: both halves of an ended session are gone.
func TestResidueSession(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	alice := f.login("alice")
	token := must[SessionToken](t)(alice.Persist(f.ctx, DefaultTTL))
	var rec record.Session
	ok(t, record.Decode(records(t, f.path)[record.SessionKey(token.user, token.id)], &rec))
	f.absent("in the clear", token.key.Reveal(), alice.keys.Secret().Reveal())
	ok(t, f.im.Logout(f.ctx, token))
	ok(t, f.im.Logout(f.ctx, token)) // once more is no error
	f.absent("after logout", rec.Sealed)
}

// TestZeroizedForEver: nothing that anyone ever had opens anything in a
// zeroized file, and the officers' names and vaults are still there.
func TestZeroizedForEver(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	alice := f.login("alice")
	f.aes(alice, "a")
	var all []*seal.UserKeys
	for name := range passwords {
		all = append(all, f.login(name).keys)
	}
	f.zeroize()
	for n := range f.reach(all, records(t, f.path)) {
		t.Errorf("%s opens", describeName(n))
	}
	for name, password := range passwords {
		_, err := f.try(name, password, true)
		f.wants(err, ErrState, "login of "+name)
	}
	if users := must[[]UserInfo](t)(f.im.Users(f.ctx)); len(users) != 4 {
		t.Errorf("users %+v", users)
	}
	_, err := alice.GenerateSymmetric(f.ctx, SymmetricSpec{Type: attr.AES, Bytes: 32})
	f.wants(err, ErrState, "generate in a session of before")
	f.wants(f.im.ZeroizeUnauthenticated(f.ctx), ErrState, "zeroize again")
}

// TestZeroizeKilled: the plug is pulled right after the commit. Whoever opens
// next deletes and overwrites; with the old passwords nothing opens before.
func TestZeroizeKilled(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	alice := f.login("alice")
	f.aes(alice, "a")
	sealed := f.sealedParts(alice.user.ID)
	ok(t, f.im.updateIn(f.ctx, f.im.store, func(c *change) error { return c.zeroize(f.co.entry(c, opZeroize)) }))
	_, err := f.try("alice", passAlice, false)
	f.wants(err, ErrState, "login before the scrub")
	f.reopen()
	f.absent("after the next open", sealed...)
	if marks := must[map[string]string](t)(f.im.marks(f.ctx)); len(marks) > 0 {
		t.Errorf("marks left: %v", marks)
	}
}
