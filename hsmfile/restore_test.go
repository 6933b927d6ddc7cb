package hsmfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/store"
)

// TestRestoreReport: what was newer just before the zeroization, and what
// comes back; what the zeroization itself removed is neither.
func TestRestoreReport(t *testing.T) {
	for _, tc := range []struct {
		what        string
		since       func(f *fixture, alice *Session)
		newer, back []string
	}{
		{"nothing", func(*fixture, *Session) {}, nil, nil},
		{"logins only", func(f *fixture, _ *Session) { f.login("bob"); f.try("bob", "wrong", false) }, nil, nil},
		{"a key made", func(f *fixture, alice *Session) { f.aes(alice, "new") }, []string{"key"}, nil},
		{"a key deleted", func(f *fixture, alice *Session) { must[*Key](t)(alice.DeleteKey(f.ctx, filter(t, "old"))) }, nil, []string{"key"}},
		{"a user removed", func(f *fixture, _ *Session) { must[int](t)(f.co.DeleteUser(f.ctx, "bob")) }, nil, []string{`"bob"`}},
		{"a user added", func(f *fixture, _ *Session) { ok(t, f.co.CreateUser(f.ctx, "dave", CU, pw("dave after the backup"))) }, []string{`"dave"`}, nil},
		{"a password changed", func(f *fixture, alice *Session) {
			ok(t, alice.ChangePassword(f.ctx, pw("another alice house")))
		}, nil, []string{`password of user "alice"`}},
		{"a password reset", func(f *fixture, _ *Session) {
			must[int](t)(f.co.ResetPassword(f.ctx, "bob", pw("bob in the meantime")))
		}, nil, []string{`password of user "bob"`}},
	} {
		t.Run(tc.what, func(t *testing.T) {
			f := newFixture(t, CreateSpec{})
			alice := f.login("alice")
			f.aes(alice, "old")
			m, age := f.backup(f.login("robot"))
			tc.since(f, alice)
			f.zeroize()
			plan := must[*RestorePlan](t)(f.plan(f.path, m, age))
			said(t, "newer", plan.Report().Newer, tc.newer)
			said(t, "comes back", plan.Report().ComesBack, tc.back)
			if len(plan.Report().Users) != 4 {
				t.Errorf("users %q", plan.Report().Users)
			}
			whole(t, must[*Image](t)(plan.Apply(f.ctx)))
		})
	}
}

func said(t *testing.T, what string, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %q, want %d lines", what, got, len(want))
		return
	}
	for i := range got {
		if !strings.Contains(got[i], want[i]) {
			t.Errorf("%s: %q, want %s in it", what, got[i], want[i])
		}
	}
}

// TestRestoreTwice: two zeroizations and two restores, of the older backup
// after the newer one. The chain goes on through all of it, replay finds the
// state right, and the backup that was passed over is no sign of an old file.
func TestRestoreTwice(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	alice, robot := f.login("alice"), f.login("robot")
	f.aes(alice, "one")
	m1, age1 := f.backup(robot)
	f.aes(alice, "two")
	ok(t, alice.ChangePassword(f.ctx, pw("another alice house")))
	m2, age2 := f.backup(robot)
	f.zeroize()
	f.im = f.restore(f.path, m2, age2)
	alice = must[*Session](t)(f.try("alice", "another alice house", false))
	if got := f.list(alice); len(got) != 2 {
		t.Errorf("after the first restore there are %q", got)
	}
	f.aes(alice, "three")
	f.reopen()
	whole(t, f.im)
	f.zeroize()
	f.im = f.restore(f.path, m1, age1, m2)
	alice = f.login("alice")
	if got := f.list(alice); !slices.Equal(got, []string{"one"}) {
		t.Errorf("after the second restore there are %q", got)
	}
	for _, m := range []*Manifest{m1, m2} {
		ok(t, f.im.CheckManifest(f.ctx, m))
		ok(t, f.im.VerifyManifest(f.ctx, m))
	}
	ok(t, alice.ChangePassword(f.ctx, pw("a third alice house"))) // a second generation once more
	m3, age3 := f.backup(f.login("robot"))
	f.im = f.restore(f.newPath(), m3, age3)
	must[*Session](t)(f.try("alice", "a third alice house", false))
	whole(t, f.im)
	st := must[*Status](t)(f.im.Status(f.ctx))
	if st.KeyCount != 1 || st.State != Active {
		t.Errorf("status %+v", st)
	}
}

// TestPassedOver: at a new path the chain ends with the backup, so a newer one
// lies off it; the restore's entry names it, and only what it names.
func TestPassedOver(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	alice, robot := f.login("alice"), f.login("robot")
	m1, age1 := f.backup(robot)
	f.aes(alice, "two")
	m2, _ := f.backup(robot)
	plan := must[*RestorePlan](t)(f.plan(f.newPath(), m1, age1, m2))
	said(t, "newer", plan.Report().Newer, []string{m2.ID})
	im := must[*Image](t)(plan.Apply(f.ctx))
	ok(t, im.CheckManifest(f.ctx, m2))
	whole(t, im)
	im = f.restore(f.newPath(), m1, age1)
	f.wants(im.CheckManifest(f.ctx, m2), ErrIntegrity, "a newer backup that the restore did not know")
	whole(t, im)
}

// TestRestoreAtNewPath: users, keys and fingerprint are those of the backup;
// sessions and failures are not.
func TestRestoreAtNewPath(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	alice := f.login("alice")
	f.aes(alice, "a")
	token := must[SessionToken](t)(alice.Persist(f.ctx, DefaultTTL))
	f.try("bob", "wrong", false)
	m, age := f.backup(f.login("robot"))
	im := f.restore(f.newPath(), m, age)
	if im.Info().Fingerprint != f.im.Info().Fingerprint || im.Info().State != Active || im.ID() != f.im.ID() {
		t.Errorf("restored as %+v", im.Info())
	}
	_, err := im.Resume(f.ctx, token)
	f.wants(err, ErrNotFound, "a session of before")
	for _, u := range must[[]UserInfo](t)(im.Users(f.ctx)) {
		if u.FailedAttempts != 0 || u.Locked {
			t.Errorf("%s has %d failures", u.Username, u.FailedAttempts)
		}
	}
	whole(t, im)
}

// TestRestoreKilled fails every Update of a restore in turn. The image is
// zeroized as before, whoever opens next cleans up, and the restore can be
// repeated.
func TestRestoreKilled(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	f.aes(f.login("alice"), "a")
	m, age := f.backup(f.login("robot"))
	f.zeroize()
	before, file := records(t, f.path), must[[]byte](t)(os.ReadFile(f.path))
	for n := 1; ; n++ {
		f.path = f.newPath() // the file as it was, for each kill anew
		ok(t, os.WriteFile(f.path, file, 0o600))
		plan := must[*RestorePlan](t)(f.plan(f.path, m, age))
		im := must[*Image](t)(Open(f.ctx, f.path, f.options()))
		im.store = &fullDisk{im.store, 0, n, 1 << 30}
		err := im.store.Hold(f.ctx, func(tx store.Transactor) error { return plan.write(f.ctx, im, tx) })
		if err == nil {
			if n < 3 {
				t.Errorf("a restore is over after %d transactions", n-1)
			}
			break
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		f.reopen()
		if after := records(t, f.path); f.im.Info().State != Zeroized || len(after) != len(before) {
			t.Errorf("killed at %d: %s, %d records, want %d", n, f.im.Info().State, len(after), len(before))
		}
		whole(t, f.im)
		whole(t, f.restore(f.path, m, age))
	}
}

// TestRestoreNewPath: a restore where nothing is makes a whole image or no
// file, and never writes over one that has come to be there meanwhile.
func TestRestoreNewPath(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	f.aes(f.login("alice"), "a")
	m, age := f.backup(f.login("robot"))
	path := f.newPath()
	plan := must[*RestorePlan](t)(f.plan(path, m, age))

	ctx, cancel := context.WithCancel(f.ctx)
	cancel()
	_, err := plan.Apply(ctx)
	f.wants(err, context.Canceled, "an interrupted restore")
	if left := must[[]os.DirEntry](t)(os.ReadDir(filepath.Dir(path))); len(left) > 0 {
		t.Errorf("an interrupted restore left %s", left)
	}

	ok(t, os.WriteFile(path, []byte("somebody's only copy"), 0o600))
	_, err = plan.Apply(f.ctx)
	f.wants(err, ErrState, "a restore over a file")
	if now := must[[]byte](t)(os.ReadFile(path)); string(now) != "somebody's only copy" {
		t.Errorf("a restore wrote over a file: %.20q", now)
	}

	ok(t, os.Remove(path))
	im := must[*Image](t)(plan.Apply(f.ctx))
	whole(t, im)
	must[*Session](t)(im.Login(f.ctx, Credentials{Username: "alice", Password: pw(passAlice)}))
}

// TestRestoreOverForgedState: a header that says zeroized does not make an
// image one that a restore may go into.
func TestRestoreOverForgedState(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	f.aes(f.login("alice"), "old")
	m, age := f.backup(f.login("robot"))
	f.zeroize()
	f.im = f.restore(f.path, m, age)
	f.aes(f.login("alice"), "new")
	later, laterAge := f.backup(f.login("robot"))
	h := must[*record.Header](t)(record.DecodeHeader(records(t, f.path)[record.HeaderKey()]))
	h.State = uint8(Zeroized)
	f.tamper(map[string][]byte{record.HeaderKey(): record.EncodeHeader(h)})
	before := must[[]byte](t)(os.ReadFile(f.path))
	for _, b := range []struct {
		m   *Manifest
		age []byte
	}{{m, age}, {later, laterAge}} {
		_, err := f.plan(f.path, b.m, b.age)
		f.wants(err, ErrIntegrity, "a restore over an image that is in use")
	}
	if !bytes.Equal(must[[]byte](t)(os.ReadFile(f.path)), before) {
		t.Error("the image was changed")
	}
}

// TestRestoreInterruptedLate: a signal after the commit point is too late, and
// the restore says that it is done.
func TestRestoreInterruptedLate(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	f.aes(f.login("alice"), "a")
	m, age := f.backup(f.login("robot"))
	f.zeroize()
	for _, path := range []string{f.newPath(), f.path} {
		plan := must[*RestorePlan](t)(f.plan(path, m, age))
		for n := 1; ; n++ {
			ctx := &expiring{Context: f.ctx, left: n}
			im, err := plan.Apply(ctx)
			now, openErr := Open(f.ctx, path, Options{})
			restored := openErr == nil && now.Info().State == Active
			if (err == nil) != restored {
				t.Errorf("%s, interrupted at look %d: %v, and the image is restored: %t", path, n, err, restored)
			}
			if restored {
				whole(t, im)
				break
			}
			f.wants(err, context.Canceled, "an interrupted restore")
		}
	}
}

// An expiring context is over when it has been asked so many times.
type expiring struct {
	context.Context
	left int
}

func (e *expiring) Err() error {
	if e.left--; e.left < 0 {
		return context.Canceled
	}
	return nil
}

// TestKilledRestoreLeavesNothing: what a restore wrote into a zeroized image
// and did not commit is overwritten by whoever opens it next.
func TestKilledRestoreLeavesNothing(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	alice := f.login("alice")
	k := f.aes(alice, "a")
	sealed := records(t, f.path)[f.key(record.KeyName(alice.id(), k.Reference))]
	m, age := f.backup(f.login("robot"))
	f.zeroize()
	plan := must[*RestorePlan](t)(f.plan(f.path, m, age))
	im := must[*Image](t)(Open(f.ctx, f.path, f.options()))
	im.store = &fullDisk{im.store, 0, 2, 1 << 30}
	err := im.store.Hold(f.ctx, func(tx store.Transactor) error { return plan.write(f.ctx, im, tx) })
	f.wants(err, syscall.ENOSPC, "a restore on a full disk")
	file := must[*os.File](t)(os.OpenFile(f.path, os.O_RDWR, 0))
	defer file.Close()
	info := must[os.FileInfo](t)(file.Stat()) // as a killed commit leaves it: past the last page
	must[int](t)(file.WriteAt(sealed, (info.Size()+4095)&^4095))
	f.reopen()
	if bytes.Contains(must[[]byte](t)(os.ReadFile(f.path)), sealed) {
		t.Error("a sealed key of the backup is still in the zeroized file")
	}
	whole(t, f.restore(f.path, m, age))
}

// TestRestoreOldSetGone: what the restore replaces is overwritten, too.
func TestRestoreOldSetGone(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	m, age := f.backup(f.login("robot"))
	f.zeroize()
	f.im = f.restore(f.path, m, age)
	sets := map[string]bool{}
	for key := range records(t, f.path) {
		if set, _, ok := record.SetOf(key); ok {
			sets[fmt.Sprint(set)] = true
		}
	}
	if len(sets) != 1 {
		t.Errorf("%d sets are there, want the live one", len(sets))
	}
	if marks := must[map[string]string](t)(f.im.marks(f.ctx)); len(marks) > 0 {
		t.Errorf("marks left: %v", marks)
	}
}

// TestBackupRefusesDamage: what is damaged is not backed up over what is whole.
func TestBackupRefusesDamage(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	alice, robot := f.login("alice"), f.login("robot")
	k := f.aes(alice, "a")
	f.backup(robot)
	f.tamper(map[string][]byte{f.key(record.KeyName(alice.id(), k.Reference)): nil})
	b := must[*Backup](t)(robot.BeginBackup(f.ctx))
	_, err := b.Write(f.ctx, []BackupTarget{{[]string{f.recipient}, new(strings.Builder)}})
	f.wants(err, ErrIntegrity, "backup of an image without a key")
	_, err = alice.BeginBackup(f.ctx)
	f.wants(err, ErrDenied, "backup by a CU")
}

// TestRestoreElsewhere: what another vault took is compared by generation, so
// that two backups of one state are alike. A damaged mark is said and refuses
// nothing.
func TestRestoreElsewhere(t *testing.T) {
	for _, tc := range []struct {
		what    string
		others  func(v record.BackupMark) []byte // mark of the other vault, from that of this backup
		newer   []string
		refused bool
	}{
		{"the same", func(m record.BackupMark) []byte { return record.Encode(&m) }, nil, false},
		{"the same state, later", func(m record.BackupMark) []byte { return moved(m, 0, 1000) }, nil, false},
		{"older", func(m record.BackupMark) []byte { return moved(m, -1, -1000) }, nil, false},
		{"newer", func(m record.BackupMark) []byte { return moved(m, 1, 1000) }, []string{`which vault "nas" took`}, true},
		{"damaged", func(record.BackupMark) []byte { return []byte("x") }, []string{`vault "nas" took last is damaged`}, false},
	} {
		t.Run(tc.what, func(t *testing.T) {
			f := newFixture(t, CreateSpec{})
			f.damaged = true // a mark that no backup made
			m, age := f.backup(f.login("robot"))
			for _, name := range []string{"usb", "nas"} {
				ok(t, f.co.AddVault(f.ctx, VaultInfo{Name: name, Location: "/mnt/" + name, ID: name, Recipients: []string{f.recipient}}))
			}
			f.zeroize()
			mark := record.BackupMark{ID: m.ID, Created: m.Time().UnixMilli(), Generation: m.Generation}
			ok(t, raw(t, f.path).Update(f.ctx, func(w store.Writer) error {
				return w.Put(record.BackupMarkKey("nas"), tc.others(mark))
			}))
			plan := must[*RestorePlan](t)(PlanRestore(f.ctx, f.path, m, bytes.NewReader(age), RestoreOptions{Identity: f.identity, VaultID: "usb"}, f.options()))
			said(t, "newer", slices.DeleteFunc(plan.Report().Newer, func(s string) bool { return strings.Contains(s, "added after") }), tc.newer)
			if err := plan.Refused(); (err != nil) != tc.refused || tc.refused && !errors.Is(err, ErrOlder) {
				t.Errorf("refused: %v", err)
			}
			must[*Image](t)(plan.Apply(f.ctx))
		})
	}
}

// moved is a mark of an earlier or later backup.
func moved(m record.BackupMark, generation, milliseconds int64) []byte {
	serial, _, _ := ParseBackupID(m.ID)
	m.Created += milliseconds
	m.Generation = uint64(int64(m.Generation) + generation)
	m.ID = backupID(serial, m.Generation, time.UnixMilli(m.Created).UTC())
	return record.Encode(&m)
}
