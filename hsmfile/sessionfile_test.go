package hsmfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/internal/clock"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/store"
	"filehsm/hsmfile/secret"
)

// TestSessionClock: a session ends by the clock in either direction, and a
// change removes its record.
func TestSessionClock(t *testing.T) {
	defer func(was func() time.Time) { clock.Now = was }(clock.Now)
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	clock.Now = func() time.Time { return at }
	for _, by := range []time.Duration{DefaultTTL, -time.Minute} {
		f := newFixture(t, CreateSpec{})
		alice := f.login("alice")
		token := must[SessionToken](t)(alice.Persist(f.ctx, DefaultTTL))
		must[*Session](t)(f.im.Resume(f.ctx, token))
		began := at
		at = at.Add(by)
		_, err := f.im.Resume(f.ctx, token)
		f.wants(err, ErrNotFound, fmt.Sprintf("resume after %s", by))
		f.aes(alice, "a")
		for key := range records(t, f.path) {
			if strings.HasPrefix(key, record.SessionPrefix()) {
				t.Errorf("after %s the session's record is still there", by)
			}
		}
		at = began
	}
}

// TestSessionInLoop: the changes of a loop look for sessions that are over once a
// second.
func TestSessionInLoop(t *testing.T) {
	defer func(was func() time.Time) { clock.Now = was }(clock.Now)
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	clock.Now = func() time.Time { return at }
	f := newFixture(t, CreateSpec{})
	alice := f.login("alice")
	token := must[SessionToken](t)(alice.Persist(f.ctx, DefaultTTL))
	for _, step := range []struct {
		by    time.Duration
		there bool
	}{{DefaultTTL - time.Millisecond, true}, {sweepEvery - time.Millisecond, true}, {sweepEvery, false}} {
		at = at.Add(step.by)
		f.aes(alice, "a")
		if b := records(t, f.path)[record.SessionKey(token.user, token.id)]; (b != nil) != step.there {
			t.Errorf("at %s the session's record is there: %t", at, b != nil)
		}
	}
}

// TestSessionWithLogin: what a login is asked to leave is there with it, in one
// commit less; not before offers are taken up, and then Persist does it.
func TestSessionWithLogin(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	offer := func(name string) (*Session, bool, SessionToken) {
		t.Helper()
		f.reopen()
		s := must[*Session](t)(f.im.Login(f.ctx, Credentials{Username: name, Password: pw(passwords[name]), SessionTTL: DefaultTTL}))
		left := s.persisted != nil
		token := must[SessionToken](t)(s.Persist(f.ctx, DefaultTTL))
		if again := must[SessionToken](t)(s.Persist(f.ctx, DefaultTTL)); bytes.Equal(again.key.Reveal(), token.key.Reveal()) {
			t.Error("two sessions have one key")
		}
		f.reopen()
		must[*Session](t)(f.im.Resume(f.ctx, token))
		return s, left, token
	}
	s, left, token := offer("alice")
	if !left {
		t.Error("the login left no session")
	}
	if other := must[SessionToken](t)(s.Persist(f.ctx, time.Minute)); other.expires.Equal(token.expires) {
		t.Error("a session of another length has the length of the first")
	}
	f.aes(s, "shared")
	must[*Key](t)(s.Share(f.ctx, filter(t, "shared"), "bob"))
	if _, left, _ := offer("bob"); left {
		t.Error("the login left a session before it took up what was offered")
	}
	if _, left, _ := offer("bob"); !left {
		t.Error("the next login left no session")
	}
	_, err := f.im.Login(f.ctx, Credentials{Username: "alice", Password: pw("wrong"), SessionTTL: DefaultTTL})
	f.wants(err, ErrAuth, "a wrong password")
	if n := f.sessions(); n != 7 {
		t.Errorf("%d sessions are left, want 7: three logins with two each, and one of another length", n)
	}
}

// TestSessionAfterRenewal: a login that has to make a new generation, which ends
// sessions, leaves one all the same.
func TestSessionAfterRenewal(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	ok(t, f.co.CreateUser(f.ctx, "second", CO, pw("a second officer's own")))
	must[int](t)(f.co.DeleteUser(f.ctx, "second")) // he held alice's escrow
	before := f.row("alice")
	f.reopen()
	s := must[*Session](t)(f.im.Login(f.ctx, Credentials{Username: "alice", Password: pw(passAlice), SessionTTL: DefaultTTL}))
	if s.login.Gen < before.MinGen {
		t.Fatalf("generation %d, asked for is %d", s.login.Gen, before.MinGen)
	}
	token := must[SessionToken](t)(s.Persist(f.ctx, DefaultTTL))
	f.reopen()
	must[*Session](t)(f.im.Resume(f.ctx, token))
}

// sessions is how many session records there are.
func (f *fixture) sessions() (n int) {
	for key := range records(f.T, f.path) {
		if strings.HasPrefix(key, record.SessionPrefix()) {
			n++
		}
	}
	return n
}

// loginFor is a login that leaves a session.
func (f *fixture) loginFor(name string, ttl time.Duration) (*Session, error) {
	return f.im.Login(f.ctx, Credentials{Username: name, Password: pw(passwords[name]), SessionTTL: ttl})
}

// TestSessionOtherLength: of a session that was left with the login, and is asked
// for with another length, there is one.
func TestSessionOtherLength(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	s := must[*Session](t)(f.loginFor("alice", DefaultTTL))
	token := must[SessionToken](t)(s.Persist(f.ctx, time.Minute))
	if n := f.sessions(); n != 1 {
		t.Errorf("%d sessions are left, want 1", n)
	}
	f.reopen()
	must[*Session](t)(f.im.Resume(f.ctx, token))
}

// TestSessionLengthFirst: a length that cannot be is refused before the password
// is looked at, right or wrong.
func TestSessionLengthFirst(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	before := records(t, f.path)
	_, err := f.loginFor("alice", 48*time.Hour)
	f.wants(err, ErrUsage, "a right password")
	_, err = f.im.Login(f.ctx, Credentials{Username: "alice", Password: pw("wrong"), SessionTTL: -time.Hour})
	f.wants(err, ErrUsage, "a wrong password")
	if len(records(t, f.path)) != len(before) {
		t.Error("something was recorded")
	}
}

// TestSessionTaken: whoever asks first gets the login's session, and nobody else.
func TestSessionTaken(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	s := must[*Session](t)(f.loginFor("alice", DefaultTTL))
	var tokens [4]SessionToken
	var errs [4]error
	var all sync.WaitGroup
	for i := range tokens {
		all.Go(func() { tokens[i], errs[i] = s.Persist(f.ctx, DefaultTTL) })
	}
	all.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	if n := f.sessions(); n != len(tokens) {
		t.Errorf("%d sessions for %d", n, len(tokens))
	}
	for _, token := range tokens {
		must[*Session](t)(f.im.Resume(f.ctx, token))
	}
}

// TestClosedSession: what is done with a session that was closed, or is being
// closed, spoils nothing, and Close leaves none of its secrets.
func TestClosedSession(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	alice := must[*Session](t)(f.loginFor("alice", DefaultTTL))
	key := alice.persisted.key.Reveal()
	f.aes(alice, "a")
	var closing sync.WaitGroup
	closing.Go(alice.Close)
	for range 5 {
		_, _ = alice.GenerateSymmetric(f.ctx, SymmetricSpec{Type: attr.AES, Bytes: 32, Label: "b"})
	}
	closing.Wait()
	_, _ = alice.GenerateSymmetric(f.ctx, SymmetricSpec{Type: attr.AES, Bytes: 32, Label: "c"})
	_, _ = alice.DeleteKey(f.ctx, filter(t, "a"))
	if !bytes.Equal(key, make([]byte, len(key))) {
		t.Error("the key of the session that nobody asked for is still in memory")
	}
	f.reopen()
	f.list(f.login("alice"))
}

// A spoiltStore refuses to scrub, and fails the last sync of an Update of a Hold,
// the one with this number.
type spoiltStore struct {
	store.Store
	update int
}

type spoiltHold struct {
	store.Transactor
	of *spoiltStore
}

func (s *spoiltStore) Scrub(context.Context) error { return errors.New("no scrub") }

func (s *spoiltStore) Hold(ctx context.Context, fn func(store.Transactor) error) error {
	return s.Store.Hold(ctx, func(tx store.Transactor) error { return fn(spoiltHold{tx, s}) })
}

func (h spoiltHold) Update(ctx context.Context, fn func(store.Writer) error) error {
	err := h.Transactor.Update(ctx, fn)
	if h.of.update--; err == nil && h.of.update == 0 {
		err = errors.New("no last sync")
	}
	return err
}

// TestFailedLoginLeavesNoSession: where a login does not know whether its commit is
// there, nobody has the other half of the session.
func TestFailedLoginLeavesNoSession(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	f.im.store = &spoiltStore{f.im.store, 2}
	if _, err := f.loginFor("alice", MaxTTL); err == nil {
		t.Error("the login succeeded")
	}
	if n := f.sessions(); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
}

// TestLoginUnfinished: a login is one, also where the session that it swept away
// cannot be overwritten yet.
func TestLoginUnfinished(t *testing.T) {
	defer func(was func() time.Time) { clock.Now = was }(clock.Now)
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	clock.Now = func() time.Time { return at }
	f := newFixture(t, CreateSpec{})
	must[SessionToken](t)(f.login("alice").Persist(f.ctx, time.Second))
	at = at.Add(time.Minute) // it is over: there is something to scrub
	f.reopen()
	f.im.store = &spoiltStore{f.im.store, 0}
	s := must[*Session](t)(f.loginFor("alice", MaxTTL))
	must[*Session](t)(f.im.Resume(f.ctx, must[SessionToken](t)(s.Persist(f.ctx, MaxTTL))))
	if all := strings.Join(f.warnings, "\n"); !strings.Contains(all, "no scrub") {
		t.Errorf("the warnings are %q", all)
	}
}

// TestClosed: a session that was closed does nothing more, and has no key left.
func TestClosed(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	alice := f.login("alice")
	k := f.aes(alice, "a")
	held := []*secret.Bytes{alice.keys.Secret(), alice.keys.Sealing(), alice.keys.Index()}
	var raw [][]byte
	for _, b := range held {
		raw = append(raw, b.Reveal())
	}
	alice.Close()
	for i, b := range raw {
		if held[i].Len() != 0 || !bytes.Equal(b, make([]byte, len(b))) {
			t.Errorf("key %d is still there", i)
		}
	}
	_, err := alice.GenerateSymmetric(f.ctx, SymmetricSpec{Type: attr.AES, Bytes: 32})
	f.wants(err, ErrState, "generate")
	_, err = alice.DeleteKey(f.ctx, filter(t, "key-reference="+attr.FormatReference(k.Reference)))
	f.wants(err, ErrState, "delete")
	_, err = alice.Persist(f.ctx, DefaultTTL)
	f.wants(err, ErrState, "persist")
	f.wants(alice.ChangePassword(f.ctx, pw("another long password")), ErrState, "change password")
	f.login("alice")
}

// TestSessionShared: a session's name and role may be asked for while it works.
func TestSessionShared(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	alice := f.login("alice")
	done := make(chan bool)
	go func() {
		defer close(done)
		for range 20 {
			f.list(alice)
		}
	}()
	for range 1000 {
		if alice.Role() != CU || alice.Username() != "alice" || alice.Image().Info().State != Active {
			t.Error("another one")
		}
	}
	<-done
}

// TestSweepCounts: only a change that was made counts as one that has looked for
// stale sessions.
func TestSweepCounts(t *testing.T) {
	defer func(was func() time.Time) { clock.Now = was }(clock.Now)
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	clock.Now = func() time.Time { return at }
	f := newFixture(t, CreateSpec{})
	alice, bob := f.login("alice"), f.login("bob")
	must[SessionToken](t)(alice.Persist(f.ctx, time.Minute))
	token := must[SessionToken](t)(bob.Persist(f.ctx, time.Hour))
	f.aes(alice, "shared")
	must[*Key](t)(alice.Share(f.ctx, filter(t, "shared"), "bob"))
	at = at.Add(2 * time.Minute)
	f.reopen()
	bob = must[*Session](t)(f.im.Resume(f.ctx, token))
	f.aes(bob, "own") // is refused first, for what was offered has to be taken up before
	if n := f.sessions(); n != 1 {
		t.Errorf("%d sessions are there, want 1: alice's is over", n)
	}
}

// TestRoleIsVerified: whatever role the file says that a user has, it is the
// signature that fails, and not the role.
func TestRoleIsVerified(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	f.damaged = true
	token := must[SessionToken](t)(f.login("alice").Persist(f.ctx, DefaultTTL))
	set := f.im.set(t)
	for role := range uint8(8) {
		if Role(role) == CU {
			continue
		}
		var key string
		var whole []byte
		ok(t, raw(t, f.path).Update(f.ctx, func(w store.Writer) error {
			var err error
			key, whole, err = w.Last(record.SetPrefix(set) + string(record.RosterPrefix()))
			if err != nil {
				return err
			}
			r := must[*roster](t)(parseRoster(whole))
			r.ByName("alice").Role = role
			r.signed.Body = record.Encode(r.Roster)
			return w.Put(key, record.Encode(&r.signed))
		}))
		f.reopen()
		_, err := f.im.Resume(f.ctx, token)
		f.wants(err, ErrIntegrity, fmt.Sprintf("role %d", role))
		ok(t, raw(t, f.path).Update(f.ctx, func(w store.Writer) error { return w.Put(key, whole) }))
	}
	f.reopen()
	must[*Session](t)(f.im.Resume(f.ctx, token))
}

// set is the number of the live set.
func (im *Image) set(t *testing.T) (set uint32) {
	ok(t, im.view(context.Background(), func(v *view) error { set = v.h.Set; return nil }))
	return set
}
