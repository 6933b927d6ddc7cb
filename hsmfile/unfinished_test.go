package hsmfile

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/store"
)

// someoneNext is a store of which another process gets the lock right after each
// commit, and keeps it for longer than we wait.
type someoneNext struct {
	store.Store
	other store.Store
	free  chan bool
}

func (s *someoneNext) Update(ctx context.Context, fn func(store.Writer) error) error {
	err := s.Store.Update(ctx, fn)
	if err == nil {
		in := make(chan bool)
		go func() {
			_ = s.other.Hold(ctx, func(store.Transactor) error { close(in); <-s.free; return nil })
			s.free <- true
		}()
		<-in
	}
	return err
}

// TestMadeThoughUnfinished: a change that is made is not said to have failed when
// what follows from it, the overwriting of what it deleted, has to wait.
func TestMadeThoughUnfinished(t *testing.T) {
	const next = "another long password"
	for what, change := range map[string]func(f *fixture, s *Session) error{
		"change password": func(f *fixture, s *Session) error { return s.ChangePassword(f.ctx, pw(next)) },
		"delete user":     func(f *fixture, s *Session) error { _, err := s.DeleteUser(f.ctx, "alice"); return err },
		"reset password":  func(f *fixture, s *Session) error { _, err := s.ResetPassword(f.ctx, "bob", pw(next)); return err },
		"zeroize":         func(f *fixture, s *Session) error { return s.Zeroize(f.ctx) },
	} {
		t.Run(what, func(t *testing.T) {
			f := newFixture(t, CreateSpec{})
			f.damaged = true // wiped, or with another password for admin
			o := f.options()
			o.LockTimeout = 50 * time.Millisecond
			im := must[*Image](t)(Open(f.ctx, f.path, o))
			s := must[*Session](t)(im.Login(f.ctx, Credentials{Username: "admin", Password: pw(passCO)}))
			free := make(chan bool)
			im.store = &someoneNext{im.store, raw(t, f.path), free}
			if err := change(f, s); err != nil {
				t.Errorf("it is made, and said to have failed: %v", err)
			}
			free <- true
			<-free
			if all := strings.Join(f.warnings, "\n"); !strings.Contains(all, "the next command goes on") {
				t.Errorf("the warnings are %q", all)
			}
			if records(t, f.path)[record.MarkKey(record.MarkScrub)] == nil {
				t.Error("no mark says what is left to do")
			}
			f.reopen()
			if marks := must[map[string]string](t)(f.im.marks(f.ctx)); len(marks) > 0 {
				t.Errorf("after the next command there is %v", marks)
			}
			whole(t, f.im)
		})
	}
}

// TestCountsWhatIsMade: keys that are stored count, whatever comes after.
func TestCountsWhatIsMade(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	alice := f.login("alice")
	f.aes(alice, "gone")
	f.im.marked.Store(true) // something is left to be overwritten
	edit(t, f.path, map[string][]byte{record.MarkKey(record.MarkScrub): []byte("1")})
	was := f.im.store
	f.im.store = &spoiltStore{was, 0}
	made, err := alice.GenerateManySymmetric(f.ctx, manyAES("k"), Many{Count: 3})
	f.im.store = was
	if n := len(f.list(alice)); err != nil || made != 3 || n != 4 {
		t.Errorf("%d made, %v; %d are there", made, err, n)
	}
}

// TestDamageInTheWay: where a record is damaged that a deletion has to read, the
// deletion cannot be finished. All else goes on, and image check finds it.
func TestDamageInTheWay(t *testing.T) {
	f, bob := halfDeleted(t)
	f.damaged = true
	for key := range records(t, f.path) {
		if _, n, ok := record.SetOf(key); ok && n.Kind() == record.KindKey && string(n[1:1+record.UserIDSize]) != bob.id() {
			edit(t, f.path, map[string][]byte{key: []byte("damaged")})
		}
	}
	f.warnings = nil
	f.reopen()
	if all := strings.Join(f.warnings, "\n"); !strings.Contains(all, "the next command goes on") {
		t.Errorf("the warnings are %q", all)
	}
	f.aes(f.login("bob"), "mine")
	if got := f.list(f.login("bob")); len(got) != 1 {
		t.Errorf("bob finds %q", got)
	}
	if found := findings(t, f.path); len(found) == 0 {
		t.Error("image check finds nothing")
	}
}

// TestNoMark: without the mark of his deletion, what is left of a user would stay
// for ever.
func TestNoMark(t *testing.T) {
	f, bob := halfDeleted(t)
	f.damaged = true
	for key := range records(t, f.path) {
		if strings.HasPrefix(key, record.MarkKey(record.MarkDelete)) {
			edit(t, f.path, map[string][]byte{key: nil})
		}
	}
	if found := strings.Join(findings(t, f.path), "\n"); !strings.Contains(found, "no mark says") {
		t.Errorf("image check finds %q", found)
	}
	_, err := bob.ListKeys(f.ctx, filter(t), ListOptions{}, func(*Key) error { return nil })
	f.wants(err, ErrIntegrity, "an offer by nobody")
}

// TestKilledBesideLogin: a login that meets another process's last attempt, killed
// since this one opened the image, wipes it, and leaves nothing of what was.
func TestKilledBesideLogin(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	f.aes(f.login("alice"), "a")
	f.leaveOpen("admin", 3)
	_, err := f.im.Login(f.ctx, Credentials{Username: "admin", Password: pw(passCO), LastAttempt: true})
	f.wants(err, ErrState, "login")
	for key := range records(t, f.path) {
		if strings.HasPrefix(key, record.MarkPrefix()) || strings.HasPrefix(key, record.SetPrefix(1)) {
			t.Errorf("%q is left", key)
		}
	}
}

// TestReadOnlyLook: where an attempt cannot be settled for any reason, the image
// can be looked at.
func TestReadOnlyLook(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	f.leaveOpen("alice", 1)
	im := must[*Image](t)(open(f.ctx, f.path, &deniedStore{f.im.store}, f.options()))
	must[*Status](t)(im.Status(f.ctx))
	whole(t, im)
	_, err := im.Login(f.ctx, Credentials{Username: "bob", Password: pw(passBob)})
	f.wants(err, ErrDenied, "login")
}

// A deniedStore may be read.
type deniedStore struct{ store.Store }

func (*deniedStore) Update(context.Context, func(store.Writer) error) error {
	return errors.Join(errors.New("failed to open the image"), store.ErrPermission)
}

// TestSettledLater: a killed attempt that cannot be settled stops one login, and
// not those after it.
func TestSettledLater(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	bob := f.login("bob")
	f.leaveOpen("alice", 1)
	was := f.im.store
	f.im.store = &fullDisk{was, 0, 2, 2}
	_, err := f.try("alice", passAlice, false)
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("login: %v", err)
	}
	f.im.store = was
	f.list(bob)
	if s := f.login("alice"); s.FailuresSince() != 1 {
		t.Errorf("%d failures since, want the killed one", s.FailuresSince())
	}
}

// TestMarkBesideScrub: a set that is given up while another goroutine scrubs has
// somebody to delete it.
func TestMarkBesideScrub(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	f.im.marked.Store(true)
	edit(t, f.path, map[string][]byte{record.MarkKey(record.MarkSet): []byte("1"), record.MarkKey(record.MarkScrub): []byte("1")})
	ok(t, f.im.scrub(f.ctx)) // as it comes in the other one, after its deletions
	if !f.im.marked.Load() {
		t.Error("nobody will look at the mark")
	}
	f.im.finishIfMarked(f.ctx)
	if marks := must[map[string]string](t)(f.im.marks(f.ctx)); len(marks) > 0 {
		t.Errorf("left is %v", marks)
	}
}

// TestRestoreIntoRest: what a restore before left, and nobody could delete, is not
// mixed with what comes.
func TestRestoreIntoRest(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	f.aes(f.login("alice"), "a")
	m, age := f.backup(f.login("robot"))
	f.zeroize()
	var set uint32
	ok(t, f.im.view(f.ctx, func(v *view) error { set = v.h.Set; return nil }))
	p := must[*RestorePlan](t)(f.plan(f.path, m, age))
	edit(t, f.path, map[string][]byte{record.SetPrefix(set+1) + string(record.KeyName("somebody", 7)): []byte("stray")})
	f.im = must[*Image](t)(p.Apply(f.ctx))
	whole(t, f.im)
}
