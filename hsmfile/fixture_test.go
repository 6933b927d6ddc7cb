package hsmfile

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"testing"

	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/internal/filestore"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/store"
)

// fixture is an active image with one user of each role, a second CU and a
// vault. It ends with image check, unless the test damaged it on purpose.
type fixture struct {
	*testing.T
	ctx       context.Context
	path      string
	im        *Image
	co        *Session
	warnings  []string
	identity  []byte
	recipient string
	damaged   bool
}

const passBob = "bob under the bridge"

// passwords is what each user of a fixture begins with.
var passwords = map[string]string{"admin": passCO, "alice": passAlice, "bob": passBob, "robot": passRobot}

func newFixture(t *testing.T, spec CreateSpec) *fixture {
	t.Helper()
	f := &fixture{T: t, ctx: context.Background(), path: filepath.Join(t.TempDir(), "x.hsm")}
	spec.Label = "x"
	f.im = must[*Image](t)(Create(f.ctx, f.path, spec, f.options()))
	f.co = must[*Session](t)(f.im.Activate(f.ctx, "admin", pw(passCO)))
	f.user("alice", CU)
	f.user("bob", CU)
	f.user("robot", AU)
	t.Cleanup(func() {
		if f.damaged {
			return
		}
		f.reopen()
		whole(t, f.im)
	})
	return f
}

func (f *fixture) options() Options {
	return Options{Warn: func(s string) { f.warnings = append(f.warnings, s) }}
}

func (f *fixture) user(name string, role Role) {
	f.Helper()
	ok(f.T, f.co.CreateUser(f.ctx, name, role, pw(passwords[name])))
}

func (f *fixture) reopen() {
	f.Helper()
	f.im = must[*Image](f.T)(Open(f.ctx, f.path, f.options()))
}

func (f *fixture) try(name, password string, last bool) (*Session, error) {
	return f.im.Login(f.ctx, Credentials{Username: name, Password: pw(password), LastAttempt: last})
}

func (f *fixture) login(name string) *Session {
	f.Helper()
	return must[*Session](f.T)(f.try(name, passwords[name], false))
}

// wants fails the test unless err is of one kind.
func (f *fixture) wants(err, kind error, what string) {
	f.Helper()
	if !errors.Is(err, kind) {
		f.Errorf("%s: got %v, want %v", what, err, kind)
	}
}

func (f *fixture) aes(s *Session, label string) *Key {
	f.Helper()
	return must[*Key](f.T)(s.GenerateSymmetric(f.ctx, SymmetricSpec{Type: attr.AES, Bytes: 32, Label: label}))
}

func (f *fixture) list(s *Session, words ...string) (labels []string) {
	f.Helper()
	must[ListResult](f.T)(s.ListKeys(f.ctx, filter(f.T, words...), ListOptions{}, func(k *Key) error {
		labels = append(labels, k.Attributes.Label)
		return nil
	}))
	return labels
}

// row is a user's row in the roster in force.
func (f *fixture) row(name string) (u record.User) {
	f.Helper()
	ok(f.T, f.im.view(f.ctx, func(v *view) error {
		r, err := v.newestRoster()
		if err == nil {
			u = *r.ByName(name)
		}
		return err
	}))
	return u
}

// raw opens the file's records past everything that guards them.
func raw(t *testing.T, path string) store.Store {
	t.Helper()
	return must[*filestore.Store](t)(filestore.Open(path, filestore.Options{}))
}

// records is every record of a file, as it lies there.
func records(t *testing.T, path string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	ok(t, raw(t, path).View(context.Background(), func(r store.Reader) error {
		return r.Scan("", "", func(key string, b []byte) error {
			all[key] = bytes.Clone(b)
			return nil
		})
	}))
	return all
}

// edit writes records past everything; a nil value removes one.
func edit(t *testing.T, path string, change map[string][]byte) {
	t.Helper()
	ok(t, raw(t, path).Update(context.Background(), func(w store.Writer) error {
		for key, b := range change {
			if b == nil {
				if err := w.Delete(key); err != nil {
					return err
				}
			} else if err := w.Put(key, b); err != nil {
				return err
			}
		}
		return nil
	}))
}

// tamper edits the fixture's own image, which stays damaged.
func (f *fixture) tamper(change map[string][]byte) {
	f.Helper()
	f.damaged = true
	edit(f.T, f.path, change)
}

// key is the store key of a record of the live set.
func (f *fixture) key(n record.Name) (key string) {
	f.Helper()
	ok(f.T, f.im.view(f.ctx, func(v *view) error { key = v.key(n); return nil }))
	return key
}

// findings is what image check says of a file; an error that it refuses with
// is a finding too.
func findings(t *testing.T, path string) (all []string) {
	t.Helper()
	im, err := Open(context.Background(), path, Options{})
	if err != nil {
		return []string{err.Error()}
	}
	report, err := im.Check(context.Background())
	if err != nil {
		return []string{err.Error()}
	}
	for _, x := range report.Findings {
		all = append(all, x.Record+": "+x.Problem)
	}
	return all
}

// backup makes one to the fixture's own recipient.
func (f *fixture) backup(s *Session) (*Manifest, []byte) {
	f.Helper()
	if f.recipient == "" {
		identity := new(bytes.Buffer)
		f.recipient = must[string](f.T)(GenerateIdentity(identity, false, f.im.Info().Fingerprint))
		f.identity = identity.Bytes()
	}
	b := must[*Backup](f.T)(s.BeginBackup(f.ctx))
	age := new(bytes.Buffer)
	ms := must[[]*Manifest](f.T)(b.Write(f.ctx, []BackupTarget{{[]string{f.recipient}, age}}))
	ok(f.T, s.FinishBackup(f.ctx, b, nil, nil))
	return ms[0], age.Bytes()
}

// VerifyManifest is VerifyManifests for one.
func (im *Image) VerifyManifest(ctx context.Context, m *Manifest) error {
	found, err := im.VerifyManifests(ctx, []*Manifest{m})
	if err != nil {
		return err
	}
	return found[0]
}

func (f *fixture) plan(path string, m *Manifest, age []byte, passed ...*Manifest) (*RestorePlan, error) {
	return PlanRestore(f.ctx, path, m, bytes.NewReader(age), RestoreOptions{Identity: f.identity, Passed: passed}, f.options())
}

// restore brings a backup back at path.
func (f *fixture) restore(path string, m *Manifest, age []byte, passed ...*Manifest) *Image {
	f.Helper()
	return must[*Image](f.T)(must[*RestorePlan](f.T)(f.plan(path, m, age, passed...)).Apply(f.ctx))
}

// zeroize wipes the fixture's image.
func (f *fixture) zeroize() {
	f.Helper()
	ok(f.T, f.im.ZeroizeUnauthenticated(f.ctx))
	f.reopen()
}

func (f *fixture) newPath() string { return filepath.Join(f.TempDir(), "new.hsm") }
