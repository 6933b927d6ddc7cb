package hsmfile

import (
	"testing"

	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/seal"
)

// newest is the roster in force, and where it lies.
func (f *fixture) newest() (r *roster, key string) {
	f.Helper()
	ok(f.T, f.im.view(f.ctx, func(v *view) (err error) {
		r, err = v.newestRoster()
		key = v.key(record.RosterName(r.Epoch))
		return err
	}))
	return r, key
}

// forged is the roster after r as change makes it, signed by whoever.
func forged(t *testing.T, r *roster, change func(*record.Roster), by ...signer) []byte {
	t.Helper()
	next := new(record.Roster)
	ok(t, record.Decode(r.signed.Body, next))
	next.Epoch, next.Prev = r.Epoch+1, r.hash
	change(next)
	signed := record.SignedRoster{Body: record.Encode(next)}
	for _, s := range by {
		signed.Sigs = append(signed.Sigs, record.Signature{User: []byte(s.id), Sig: s.keys.Sign(signRoster, signed.Body)})
	}
	return record.Encode(&signed)
}

// TestForgedRoster: a roster that no officer signed is refused at every
// login, by image check and by what needs no login; no attempt is counted.
func TestForgedRoster(t *testing.T) {
	stranger := must[*seal.UserKeys](t)(seal.KeysOf(seal.NewUserSecret()))
	for _, tc := range []struct {
		what   string
		change func(*record.Roster)
		by     func(alice, robot signer, admin string) []signer
	}{
		{"not signed", func(*record.Roster) {}, func(_, _ signer, _ string) []signer { return nil }},
		{"signed by a CU", func(*record.Roster) {}, func(a, _ signer, _ string) []signer { return []signer{a} }},
		{"signed by an AU", func(*record.Roster) {}, func(_, r signer, _ string) []signer { return []signer{r} }},
		{"signed by both", func(*record.Roster) {}, func(a, r signer, _ string) []signer { return []signer{a, r} }},
		{"signed by a stranger as the officer", func(*record.Roster) {}, func(_, _ signer, admin string) []signer { return []signer{{admin, stranger}} }},
		{"a CU made CO signs it", func(r *record.Roster) { r.ByName("alice").Role = uint8(CO) }, func(a, _ signer, _ string) []signer { return []signer{a} }},
		{"a user added", func(r *record.Roster) {
			r.Users = append(r.Users, record.User{ID: seal.Random(8), Name: "mallory", Role: uint8(CO), Gen: 1, Public: seal.Random(32)})
		}, func(_, r signer, _ string) []signer { return []signer{r} }},
		{"no officers needed", func(r *record.Roster) { r.Officers = 0 }, func(_, _ signer, _ string) []signer { return nil }},
		{"a first roster of its own", func(r *record.Roster) { r.Epoch, r.Kept, r.KeptEpoch = 1<<40, nil, 0 }, func(a, _ signer, _ string) []signer { return []signer{a} }},
		{"its own kept one", func(r *record.Roster) { r.KeptEpoch = r.Epoch }, func(a, _ signer, _ string) []signer { return []signer{a} }},
	} {
		t.Run(tc.what, func(t *testing.T) {
			f := newFixture(t, CreateSpec{})
			alice, robot := f.login("alice"), f.login("robot")
			r, _ := f.newest()
			b := forged(t, r, tc.change, tc.by(alice.signer(), robot.signer(), f.co.id())...)
			var signed record.SignedRoster
			var next record.Roster
			ok(t, record.Decode(b, &signed))
			ok(t, record.Decode(signed.Body, &next))
			f.tamper(map[string][]byte{f.key(record.RosterName(next.Epoch)): b})
			f.refusedByAll()
		})
	}
}

// refusedByAll expects every login, every open session and image check to
// refuse, and no counter to move.
func (f *fixture) refusedByAll() {
	f.Helper()
	for name, password := range passwords {
		_, err := f.try(name, password, true)
		f.wants(err, ErrIntegrity, "login of "+name)
	}
	f.wants(f.co.Unlock(f.ctx, "alice"), ErrIntegrity, "the open session of a CO")
	if len(findings(f.T, f.path)) == 0 {
		f.Error("image check finds nothing")
	}
	for key, b := range records(f.T, f.path) {
		if n, err := record.DecodeCounter(b); err == nil && key[:2] == record.CounterPrefix() && (n.Failures > 0 || n.Open) {
			f.Errorf("an attempt was counted: %+v", n)
		}
	}
}

// TestOlderRoster: one that officers signed, but older than what users saw.
// The user whose pins are older takes it for the newest, and only the chain
// knows better.
func TestOlderRoster(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	f.login("alice")
	_, oldKey := f.newest()
	old := records(t, f.path)[oldKey]
	ok(t, f.co.CreateUser(f.ctx, "carol", CO, pw("carol is an officer")))
	f.login("alice") // sees it
	_, newKey := f.newest()
	f.tamper(map[string][]byte{newKey: nil, oldKey: old})
	_, err := f.try("alice", passAlice, false)
	f.wants(err, ErrIntegrity, "login with an older roster")
	if len(findings(t, f.path)) == 0 {
		t.Error("image check finds nothing")
	}
	// the same, under the name of the newest
	f.tamper(map[string][]byte{newKey: old})
	_, err = f.try("alice", passAlice, false)
	f.wants(err, ErrIntegrity, "login with an older roster in the place of the newest")
	if n := f.counter("alice"); n.Failures != 0 || n.Open {
		t.Errorf("it was counted: %+v", n)
	}
}

// TestRemovedOfficersRoster: what an officer signs after his removal is found
// by whoever saw the removal.
func TestRemovedOfficersRoster(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	ok(t, f.co.CreateUser(f.ctx, "carol", CO, pw("carol is an officer")))
	carol := must[*Session](t)(f.try("carol", "carol is an officer", false))
	before, _ := f.newest()
	must[int](t)(f.co.DeleteUser(f.ctx, "carol"))
	f.login("alice")
	b := forged(t, before, func(r *record.Roster) {
		r.Epoch, r.Kept, r.KeptEpoch = before.Epoch+5, before.hash, before.Epoch
	}, carol.signer())
	f.tamper(map[string][]byte{f.key(record.RosterName(before.Epoch + 5)): b})
	_, err := f.try("alice", passAlice, false)
	f.wants(err, ErrIntegrity, "login under a removed officer's roster")
	f.wants(f.co.Unlock(f.ctx, "alice"), ErrIntegrity, "the session of the officer who removed him")
	if len(findings(t, f.path)) == 0 {
		t.Error("image check finds nothing")
	}
}

// TestSwappedPublicKey: keys under another's name, in any way that the store
// allows, are not used.
func TestSwappedPublicKey(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	alice, bob := f.login("alice"), f.login("bob")
	nameOf := func(s *Session) record.Name { return record.PublicName(s.id(), 1, s.keys.Verifier()) }
	whole := records(t, f.path)
	mallory := must[*seal.UserKeys](t)(seal.KeysOf(seal.NewUserSecret()))
	fake := must[*record.Public](t)(newPublic(bob.id(), mallory, nil, nil))
	boxed := *fake
	boxed.Verifier = bob.keys.Verifier()
	for what, change := range map[string]map[string][]byte{
		"alice's in bob's place":          {f.key(nameOf(bob)): whole[f.key(nameOf(alice))]},
		"a stranger's, bob's removed":     {f.key(nameOf(bob)): nil, f.key(record.PublicName(bob.id(), 1, mallory.Verifier())): record.Encode(fake)},
		"bob's with another box":          {f.key(nameOf(bob)): record.Encode(&boxed)},
		"removed":                         {f.key(nameOf(bob)): nil},
		"a next generation by a stranger": {f.key(record.PublicName(bob.id(), 2, mallory.Verifier())): record.Encode(f.nextBy(bob, mallory, mallory))},
	} {
		t.Run(what, func(t *testing.T) {
			f.tamper(change)
			defer edit(t, f.path, map[string][]byte{f.key(nameOf(bob)): whole[f.key(nameOf(bob))],
				f.key(record.PublicName(bob.id(), 1, mallory.Verifier())): nil, f.key(record.PublicName(bob.id(), 2, mallory.Verifier())): nil})
			if len(findings(t, f.path)) == 0 {
				t.Error("image check finds nothing")
			}
			if what == "a next generation by a stranger" {
				f.login("bob") // it is not followed
				return
			}
			_, err := f.try("bob", passBob, false)
			f.wants(err, ErrIntegrity, "login of bob")
			err = f.co.CreateUser(f.ctx, "carol", CO, pw("carol is an officer"))
			f.wants(err, ErrIntegrity, "passing bob's escrow on")
		})
	}
	f.reopen()
	whole2 := findings(t, f.path)
	if len(whole2) > 0 {
		t.Errorf("mended, and still: %q", whole2)
	}
}

// nextBy is a second generation of s with keys, signed by signs.
func (f *fixture) nextBy(s *Session, keys, signs *seal.UserKeys) *record.Public {
	f.Helper()
	var p *record.Public
	ok(f.T, f.im.view(f.ctx, func(v *view) error {
		first, err := v.publicByHash(&s.user)
		if err == nil {
			p, err = newPublic(s.id(), keys, first, signs)
		}
		return err
	}))
	return p
}

// TestForkedGeneration: who knows bob's first password can sign a second
// generation in place of bob's own. Beside bob's it is refused; once a roster
// names bob's, it is not followed even where bob's own is gone.
func TestForkedGeneration(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	bob := f.login("bob")
	old := bob.keys
	ok(t, bob.ChangePassword(f.ctx, pw("bob above the bridge")))
	mallory := must[*seal.UserKeys](t)(seal.KeysOf(seal.NewUserSecret()))
	fork := f.nextBy(bob, mallory, old)
	own, forked := f.key(record.PublicName(bob.id(), 2, bob.keys.Verifier())), f.key(record.PublicName(bob.id(), 2, mallory.Verifier()))
	f.tamper(map[string][]byte{forked: record.Encode(fork)})
	_, err := f.try("bob", "bob above the bridge", false)
	f.wants(err, ErrIntegrity, "login beside a fork")
	if len(findings(t, f.path)) == 0 {
		t.Error("image check finds nothing")
	}
	edit(t, f.path, map[string][]byte{forked: nil})
	ok(t, f.co.CreateUser(f.ctx, "dave", AU, pw("one more user here")))
	edit(t, f.path, map[string][]byte{own: nil, forked: record.Encode(fork)})
	u := f.row("bob")
	ok(t, f.im.view(f.ctx, func(v *view) error {
		_, err := v.currentPublic(&u)
		f.wants(err, ErrIntegrity, "a fork in the place of what the roster names")
		return nil
	}))
}
