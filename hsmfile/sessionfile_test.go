package hsmfile

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"filehsm/hsmfile/internal/clock"
	"filehsm/hsmfile/internal/record"
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
		left := s.left != nil
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
	n := 0
	for key := range records(t, f.path) {
		if strings.HasPrefix(key, record.SessionPrefix()) {
			n++
		}
	}
	if n != 7 {
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
