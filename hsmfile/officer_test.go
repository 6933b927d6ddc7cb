package hsmfile

import (
	"slices"
	"strings"
	"testing"

	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/seal"
)

const passCarol = "carol is an officer"

// TestRemovedOfficer: after his removal each CU's next password login makes a
// new generation, and the officer's keys and old files open nothing new.
func TestRemovedOfficer(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	ok(t, f.co.CreateUser(f.ctx, "carol", CO, pw(passCarol)))
	carol := must[*Session](t)(f.try("carol", passCarol, false))
	alice := f.login("alice")
	f.aes(alice, "before")
	then := records(t, f.path)
	must[int](t)(f.co.DeleteUser(f.ctx, "carol"))
	if f.row("alice").MinGen != 2 || f.row("bob").MinGen != 2 || f.row("robot").MinGen != 0 {
		t.Errorf("alice, bob, robot must have generation 2, 2, 0; want is in their rows: %+v", f.row("alice"))
	}
	alice = f.login("alice")
	f.aes(alice, "after")
	now := records(t, f.path)
	names := keyNames(now, alice.user.ID)
	f.reach([]*seal.UserKeys{carol.keys}, then, now).wants(t, "the removed officer", names, 1)
	f.reach([]*seal.UserKeys{f.co.keys}, now).wants(t, "the officer who stays", names, 2)
	if again := f.login("alice"); again.login.Gen != 2 {
		t.Errorf("a second login made generation %d", again.login.Gen)
	}
	if got := f.list(alice); len(got) != 2 {
		t.Errorf("alice has %q, want both", got)
	}
}

// TestNewOfficersEscrow: who becomes an officer, or gets new keys as one, can
// reset a CU's password and keep the keys.
func TestNewOfficersEscrow(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	f.aes(f.login("alice"), "a")
	ok(t, f.co.CreateUser(f.ctx, "carol", CO, pw(passCarol)))
	carol := must[*Session](t)(f.try("carol", passCarol, false))
	steps := []struct {
		what string
		do   func() *Session
	}{
		{"a new officer", func() *Session { return carol }},
		{"after his own change", func() *Session {
			ok(t, carol.ChangePassword(f.ctx, pw("carol changed hers")))
			return carol
		}},
		{"after a reset", func() *Session {
			must[int](t)(f.co.ResetPassword(f.ctx, "carol", pw("carol forgot hers")))
			return must[*Session](t)(f.try("carol", "carol forgot hers", false))
		}},
		{"after the first officer changed his", func() *Session {
			ok(t, f.co.ChangePassword(f.ctx, pw("first officer again")))
			return f.co
		}},
	}
	for _, step := range steps {
		s := step.do()
		if n, err := s.ResetPassword(f.ctx, "alice", pw(passAlice)); err != nil || n != 0 {
			t.Fatalf("%s: %d keys dropped, %v", step.what, n, err)
		}
		if got := f.list(f.login("alice")); len(got) != 1 {
			t.Fatalf("%s: alice has %q", step.what, got)
		}
		f.reopen()
		whole(t, f.im)
	}
}

// TestRenewalIsNoChange: a login that makes new keys, because an officer's have
// changed, does not make it look as if the password had been.
func TestRenewalIsNoChange(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	who := func() UserInfo {
		all := must[[]UserInfo](t)(f.im.Users(f.ctx))
		return all[slices.IndexFunc(all, func(u UserInfo) bool { return u.Username == "alice" })]
	}
	before, gen := who(), f.login("alice").login.Gen
	ok(t, f.co.ChangePassword(f.ctx, pw("first officer again")))
	seen := len(f.entries())
	if s := f.login("alice"); s.login.Gen != gen+1 {
		t.Fatalf("generation %d, want %d", s.login.Gen, gen+1)
	}
	var log []string
	for _, e := range f.entries()[seen:] {
		log = append(log, e.Opcode.String())
	}
	if got := strings.Join(log, " "); got != "CN_LOGIN FH_RENEW_KEYS" {
		t.Errorf("the log says %s", got)
	}
	if now := who(); now.PasswordSetBy != "admin" || now.PasswordSetAt != before.PasswordSetAt {
		t.Errorf("her password was set by %s at %s, before by %s at %s", now.PasswordSetBy, now.PasswordSetAt, before.PasswordSetBy, before.PasswordSetAt)
	}
}

// TestOfficerChain: any number of officer changes is followed from the
// fingerprint, by who was away all the time and by a restored image; rosters
// in which no officer changed do not pile up.
func TestOfficerChain(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	bob := f.login("bob") // and then not for long
	for _, name := range []string{"co1", "co2", "co3"} {
		ok(t, f.co.CreateUser(f.ctx, name, CO, pw(passCarol)))
		next := must[*Session](t)(f.try(name, passCarol, false))
		ok(t, next.ChangePassword(f.ctx, pw("officer "+name+" words")))
		must[int](t)(next.DeleteUser(f.ctx, f.co.Username()))
		ok(t, next.CreateUser(f.ctx, "cu-"+name, CU, pw("one more crypto user")))
		ok(t, next.CreateUser(f.ctx, "au-"+name, AU, pw("one more crypto user")))
		f.co = next
	}
	f.aes(bob, "by the session of before") // his MinGen is for password logins
	f.login("bob")
	rosters := 0
	for key := range records(t, f.path) {
		if _, n, ok := record.SetOf(key); ok && n.Kind() == record.KindRoster {
			rosters++
		}
	}
	if rosters != 11 { // the first, three changes for each of three officers, the newest
		t.Errorf("%d rosters are kept, want 11", rosters)
	}
	m, age := f.backup(f.login("robot"))
	f.zeroize()
	for _, path := range []string{f.path, f.newPath()} {
		f.path = path
		f.im = f.restore(path, m, age)
		f.login("bob")
		must[*Session](t)(f.try("co3", "officer co3 words", false))
		_, err := f.try("admin", passCO, false)
		f.wants(err, ErrAuth, "a removed officer")
		f.reopen()
		whole(t, f.im)
	}
}
