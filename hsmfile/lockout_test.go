package hsmfile

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"filehsm/hsmfile/internal/record"
)

func (f *fixture) counter(name string) (n record.Counter) {
	f.Helper()
	u := f.row(name)
	ok(f.T, f.im.view(f.ctx, func(v *view) (err error) { n, err = v.loadCounter(&u); return err }))
	return n
}

func (f *fixture) state() State {
	f.Helper()
	f.reopen()
	return f.im.Info().State
}

// TestSixteenLogins: right passwords at once never add up to a lock, though
// each is counted before it is compared.
func TestSixteenLogins(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	all(16, func(int) {
		im, err := Open(f.ctx, f.path, Options{})
		if err == nil {
			_, err = im.Login(f.ctx, Credentials{Username: "alice", Password: pw(passAlice)})
		}
		if err != nil {
			t.Error(err)
		}
	})
	if n := f.counter("alice"); n.Failures != 0 || n.Open || n.Locked {
		t.Errorf("the counter is %+v, want zero", n)
	}
}

func all(n int, fn func(int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { fn(i) })
	}
	wg.Wait()
}

// TestMixedLogins: wrong ones among right ones of another user, all at once,
// count exactly, up to the lock and not beyond.
func TestMixedLogins(t *testing.T) {
	f := newFixture(t, CreateSpec{Lockout: "cloudhsm"})
	var mu sync.Mutex
	got := map[error]int{}
	all(16, func(i int) {
		name, password := "alice", passAlice
		if i%2 == 1 {
			name, password = "bob", "wrong"
		}
		_, err := f.im.Login(f.ctx, Credentials{Username: name, Password: pw(password)})
		mu.Lock()
		defer mu.Unlock()
		for _, kind := range []error{nil, ErrAuth, ErrLocked} {
			if errors.Is(err, kind) {
				got[kind]++
			}
		}
	})
	if got[nil] != 8 || got[ErrAuth] != 5 || got[ErrLocked] != 3 {
		t.Errorf("%d right, %d wrong, %d locked; want 8, 5, 3", got[nil], got[ErrAuth], got[ErrLocked])
	}
	if n := f.counter("bob"); n.Failures != 5 || !n.Locked {
		t.Errorf("bob's counter is %+v", n)
	}
	if n := f.counter("alice"); n.Failures != 0 {
		t.Errorf("alice's counter is %+v", n)
	}
}

// TestCounting: right ones set the counter to zero and say how many failures
// there were.
func TestCounting(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	for i := range 2 {
		_, err := f.try("alice", "wrong", false)
		f.wants(err, ErrAuth, "wrong password")
		if n := f.counter("alice"); int(n.Failures) != i+1 || n.Open {
			t.Errorf("after %d wrong ones the counter is %+v", i+1, n)
		}
	}
	if s := f.login("alice"); s.FailuresSince() != 2 {
		t.Errorf("%d failures since the last login, want 2", s.FailuresSince())
	}
	if n := f.counter("alice"); n.Failures != 0 {
		t.Errorf("after a right one the counter is %+v", n)
	}
	for _, name := range []string{"nobody", "", "two words"} {
		_, err := f.try(name, "wrong", false)
		f.wants(err, ErrAuth, "unknown user "+name)
	}
	_, err := f.im.Login(f.ctx, Credentials{Username: "alice", Role: CO, Password: pw(passAlice)})
	f.wants(err, ErrAuth, "a role that is not the user's")
	if n := f.counter("alice"); n.Failures != 0 {
		t.Error("a role that is not the user's was counted")
	}
}

// TestLockoutTable is design §6's table: each preset, each role.
func TestLockoutTable(t *testing.T) {
	for _, tc := range []struct {
		preset   string
		role     Role
		attempts int
		wipes    bool
	}{
		{"three-strikes", CO, 3, true}, {"three-strikes", CU, 3, false}, {"three-strikes", AU, 3, false},
		{"strict", CO, 3, true}, {"strict", CU, 3, true}, {"strict", AU, 3, true},
		{"cloudhsm", CO, 5, false}, {"cloudhsm", CU, 5, false}, {"cloudhsm", AU, 5, false},
	} {
		t.Run(fmt.Sprintf("%s %s", tc.preset, tc.role), func(t *testing.T) {
			f := newFixture(t, CreateSpec{Lockout: tc.preset})
			name := map[Role]string{CO: "admin", CU: "alice", AU: "robot"}[tc.role]
			for range tc.attempts - 1 {
				_, err := f.try(name, "wrong", false)
				f.wants(err, ErrAuth, "wrong password")
			}
			must[*Session](t)(f.try(name, passwords[name], true)) // a right one in time: the count begins anew
			if tc.wipes {
				f.wipe(name, tc.attempts)
			} else {
				f.lockUp(name, tc.attempts)
			}
		})
	}
}

// wipe goes up to the last attempt, which is refused untried until asked for.
func (f *fixture) wipe(name string, attempts int) {
	f.Helper()
	for range attempts - 1 {
		f.try(name, "wrong", false)
	}
	for _, password := range []string{"wrong", passwords[name]} {
		_, err := f.try(name, password, false)
		f.wants(err, ErrLastAttempt, "the last attempt")
		if n := f.counter(name); int(n.Failures) != attempts-1 {
			f.Errorf("a refused attempt was counted: %+v", n)
		}
	}
	if f.state() != Active {
		f.Fatal("wiped too early")
	}
	_, err := f.try(name, "wrong", true)
	f.wants(err, ErrAuth, "the last attempt, asked for")
	if f.state() != Zeroized {
		f.Error("not wiped")
	}
	_, err = f.try(name, passwords[name], true)
	f.wants(err, ErrState, "login to a zeroized image")
}

// lockUp goes to the lock; the right password does not open it, a CO does.
func (f *fixture) lockUp(name string, attempts int) {
	f.Helper()
	token := must[SessionToken](f.T)(f.login(name).Persist(f.ctx, DefaultTTL))
	for range attempts - 1 {
		_, err := f.try(name, "wrong", false)
		f.wants(err, ErrAuth, "wrong password")
	}
	if name == "admin" {
		_, err := f.try(name, "wrong", false)
		f.wants(err, ErrLastAttempt, "the attempt after which nobody could unlock the account")
	}
	_, err := f.try(name, "wrong", name == "admin")
	f.wants(err, ErrAuth, "the last attempt")
	_, err = f.try(name, passwords[name], true)
	f.wants(err, ErrLocked, "the right password of a locked account")
	_, err = f.im.Resume(f.ctx, token)
	f.wants(err, ErrNotFound, "a session of a locked account")
	if name != "admin" {
		ok(f.T, f.co.Unlock(f.ctx, name))
		f.login(name)
	}
}

// TestLastOfficer: an officer is not locked by mistake when nobody else is there to
// unlock him.
func TestLastOfficer(t *testing.T) {
	f := newFixture(t, CreateSpec{Lockout: "cloudhsm"})
	ok(t, f.co.CreateUser(f.ctx, "second", CO, pw("the second officer")))
	for range 5 {
		_, err := f.try("second", "wrong", false)
		f.wants(err, ErrAuth, "wrong password")
	}
	for range 4 {
		f.try("admin", "wrong", false)
	}
	_, err := f.try("admin", "wrong", false)
	f.wants(err, ErrLastAttempt, "with the other officer locked")
	ok(t, f.co.Unlock(f.ctx, "second"))
	_, err = f.try("admin", "wrong", false)
	f.wants(err, ErrAuth, "with the other officer there")
	second := must[*Session](t)(f.try("second", "the second officer", false))
	ok(t, second.Unlock(f.ctx, "admin"))
	f.login("admin")
}

// TestLastOfficerKilled: one whose last attempt was killed unlocks nobody either.
func TestLastOfficerKilled(t *testing.T) {
	f := newFixture(t, CreateSpec{Lockout: "cloudhsm"})
	ok(t, f.co.CreateUser(f.ctx, "second", CO, pw("the second officer")))
	for range 4 {
		f.try("admin", "wrong", false)
	}
	f.leaveOpen("second", 5)
	_, err := f.try("admin", "wrong", false)
	f.wants(err, ErrLastAttempt, "beside the last attempt of the other officer")
}

// TestWayOut: who is told to zeroize has a backup to restore, or can make one.
func TestWayOut(t *testing.T) {
	f := newFixture(t, CreateSpec{Lockout: "cloudhsm"})
	f.lockUp("admin", 5)
	hint := func() string {
		_, err := f.try("admin", passCO, true)
		f.wants(err, ErrLocked, "login")
		st := must[*Status](t)(f.im.Status(f.ctx))
		if !strings.Contains(strings.Join(st.Attention, "\n"), HintOf(err)) {
			t.Errorf("login says %q, status %q", HintOf(err), st.Attention)
		}
		return HintOf(err)
	}
	if got := hint(); !strings.Contains(got, "do not zeroize") {
		t.Errorf("without a vault: %q", got)
	}
	recipient := must[string](t)(GenerateIdentity(new(strings.Builder), false, ""))
	id := f.row("admin").ID
	edit(t, f.path, map[string][]byte{record.CounterKey(string(id)): record.EncodeCounter(record.Counter{User: id})})
	ok(t, f.co.AddVault(f.ctx, VaultInfo{Name: "usb", Location: "/mnt/usb", ID: "VAULT", Recipients: []string{recipient}}))
	f.lockUp("admin", 5)
	if got := hint(); !strings.Contains(got, "filehsm backup restore --vault usb") {
		t.Errorf("with a vault: %q", got)
	}
	for range 5 {
		f.try("robot", "wrong", true)
	}
	if got := hint(); !strings.Contains(got, "do not zeroize") {
		t.Errorf("with the AU locked: %q", got)
	}
}

// TestLastAttemptRight: asked for and right, it is a login like any other.
func TestLastAttemptRight(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	f.try("admin", "wrong", false)
	f.try("admin", "wrong", false)
	must[*Session](t)(f.try("admin", passCO, true))
	if n := f.counter("admin"); n.Failures != 0 {
		t.Errorf("the counter is %+v", n)
	}
}

// leaveOpen is the state that a login killed between counting and settling
// leaves.
func (f *fixture) leaveOpen(name string, failures uint32) {
	f.Helper()
	u := f.row(name)
	edit(f.T, f.path, map[string][]byte{record.CounterKey(string(u.ID)): record.EncodeCounter(record.Counter{User: u.ID, Failures: failures, Open: true, Since: 1})})
}

// TestKilledLogin: the next opener enters it as interrupted, and does what the
// limit asks for.
func TestKilledLogin(t *testing.T) {
	for _, tc := range []struct {
		name     string
		failures uint32
		locked   bool
		state    State
	}{
		{"alice", 1, false, Active}, {"alice", 3, true, Active}, {"admin", 2, false, Active}, {"admin", 3, false, Zeroized},
	} {
		t.Run(fmt.Sprint(tc.name, tc.failures), func(t *testing.T) {
			f := newFixture(t, CreateSpec{})
			f.leaveOpen(tc.name, tc.failures)
			if got := f.state(); got != tc.state {
				t.Fatalf("the image is %s, want %s", got, tc.state)
			}
			if len(f.warnings) == 0 {
				t.Error("no warning")
			}
			interrupted := 0
			ok(t, f.im.AuditLog(f.ctx, 0, func(e AuditEntry) error {
				if e.Result == resultInterrupted && e.Username == tc.name {
					interrupted++
				}
				return nil
			}))
			if interrupted != 1 {
				t.Errorf("%d entries of an interrupted login, want 1", interrupted)
			}
			if tc.state == Zeroized {
				return
			}
			if n := f.counter(tc.name); n.Open || n.Failures != tc.failures || n.Locked != tc.locked {
				t.Errorf("the counter is %+v", n)
			}
		})
	}
}

// TestKilledBesideUs: a process that has the image open for long meets the
// attempt of one that was killed meanwhile. It must settle it, not wait for
// somebody else to open the image.
func TestKilledBesideUs(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	f.leaveOpen("alice", 1)
	if s := f.login("alice"); s.FailuresSince() != 1 {
		t.Errorf("%d failures since the last login, want 1", s.FailuresSince())
	}
	f.leaveOpen("alice", 3)
	_, err := f.try("alice", passAlice, false)
	f.wants(err, ErrLocked, "login after a killed last attempt")
}

// TestDamagedCounter: damaged or missing is a refusal for who the roster
// names, whatever the password, never a fresh start.
func TestDamagedCounter(t *testing.T) {
	for what, change := range map[string]func([]byte) []byte{
		"missing":  func([]byte) []byte { return nil },
		"flipped":  func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"empty":    func([]byte) []byte { return []byte{0} },
		"of robot": nil,
	} {
		t.Run(what, func(t *testing.T) {
			f := newFixture(t, CreateSpec{})
			u, other := f.row("alice"), f.row("robot")
			key := record.CounterKey(string(u.ID))
			b := records(t, f.path)[record.CounterKey(string(other.ID))]
			if change != nil {
				b = change(records(t, f.path)[key])
			}
			f.tamper(map[string][]byte{key: b})
			for _, password := range []string{passAlice, "wrong"} {
				_, err := f.try("alice", password, true)
				f.wants(err, ErrIntegrity, "login")
			}
			f.login("robot")
			if len(findings(t, f.path)) == 0 {
				t.Error("image check finds nothing")
			}
		})
	}
}

// TestDamagedLogin: a login record that is damaged, missing or another's is a
// refusal before the password is tried, and not counted.
func TestDamagedLogin(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	key := f.key(record.LoginName(string(f.row("alice").ID)))
	whole := records(t, f.path)
	flipped := append([]byte(nil), whole[key]...)
	flipped[len(flipped)/2] ^= 1
	for what, b := range map[string][]byte{
		"missing": nil, "flipped": flipped, "of bob": whole[f.key(record.LoginName(string(f.row("bob").ID)))],
	} {
		f.tamper(map[string][]byte{key: b})
		_, err := f.try("alice", passAlice, false)
		f.wants(err, ErrIntegrity, what)
		if n := f.counter("alice"); n.Failures != 0 || n.Open {
			t.Errorf("%s: it was counted: %+v", what, n)
		}
	}
}
