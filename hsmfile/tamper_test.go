package hsmfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/store"
	"filehsm/hsmfile/internal/store/memstore"
)

// inMemory is an image with these records and no file: hundreds of damaged
// ones cost nothing.
func inMemory(t *testing.T, all map[string][]byte) *Image {
	t.Helper()
	mem := memstore.New()
	ok(t, mem.Update(context.Background(), func(w store.Writer) error {
		for key, b := range all {
			if err := w.Put(key, b); err != nil {
				return err
			}
		}
		return nil
	}))
	return &Image{path: "mem", store: mem, warn: func(string) {}}
}

// sample is a small image with every kind of record, and the bytes that each
// of its records had before, also of those that are gone.
type sample struct {
	*fixture
	now, older map[string][]byte
	token      SessionToken
}

func newSample(t *testing.T) *sample {
	t.Helper()
	f := newFixture(t, CreateSpec{})
	s := &sample{fixture: f, older: map[string][]byte{}}
	alice, bob := f.login("alice"), f.login("bob")
	steps := []func(){
		func() { f.aes(alice, "a") },
		func() { f.aes(alice, "b") },
		func() {
			_, _, err := bob.GeneratePair(f.ctx, PairSpec{Type: attr.EC, Curve: "secp256r1", PublicLabel: "p", PrivateLabel: "p"})
			ok(t, err)
		},
		func() { must[*Key](t)(alice.Share(f.ctx, filter(t, "a"), "bob")) },
		func() { must[*Key](t)(alice.Share(f.ctx, filter(t, "b"), "bob")) },
		func() { f.list(bob) }, // takes both up
		func() { must[uint64](t)(alice.SetAttribute(f.ctx, filter(t, "a"), "extractable", "false")) },
		func() { f.list(bob) },
		func() { must[*Key](t)(alice.Unshare(f.ctx, filter(t, "b"), "bob")) },
		func() { must[*Key](t)(alice.Share(f.ctx, filter(t, "b"), "bob")) }, // not taken up
		func() { ok(t, alice.ChangePassword(f.ctx, pw("another alice house"))) },
		func() { must[int](t)(f.co.ResetPassword(f.ctx, "bob", pw("bob in the meantime"))) },
		func() { ok(t, f.co.CreateUser(f.ctx, "carol", CO, pw(passCarol))) },
		func() { must[int](t)(f.co.ResetPassword(f.ctx, "bob", pw(passBob))) },
		func() { s.backupTo("usb") },
		func() { f.try("bob", "wrong", false) },
		func() { f.login("robot") }, // what nobody signed yet can be cut off: TestUnsignedEntries
		func() { s.token = must[SessionToken](t)(alice.Persist(f.ctx, DefaultTTL)) },
	}
	for _, step := range steps {
		before := records(t, f.path)
		step()
		s.now = records(t, f.path)
		for key, b := range before {
			if !bytes.Equal(s.now[key], b) {
				s.older[key] = b
			}
		}
	}
	return s
}

// backupTo gives the image a vault, and that one a backup.
func (s *sample) backupTo(name string) {
	s.Helper()
	recipient := must[string](s.T)(GenerateIdentity(new(bytes.Buffer), false, ""))
	ok(s.T, s.co.AddVault(s.ctx, VaultInfo{Name: name, Location: "/mnt/" + name, ID: "ABCDEFGH", Recipients: []string{recipient}}))
	robot := s.login("robot")
	b := must[*Backup](s.T)(robot.BeginBackup(s.ctx))
	must[[]*Manifest](s.T)(b.Write(s.ctx, []BackupTarget{{[]string{recipient}, new(bytes.Buffer)}}))
	ok(s.T, robot.FinishBackup(s.ctx, b, []string{name}, nil))
}

// kind is where a record belongs: the first byte of a store key, or of a name.
func kind(key string) string {
	if _, n, ok := record.SetOf(key); ok {
		return n.Kind().String()
	}
	return key[:min(len(key), 1+strings.Count(key[:1], "v"))]
}

// sibling is the next record of the same kind.
func (s *sample) sibling(key string) string {
	keys := slices.Sorted(maps.Keys(s.now))
	i := slices.Index(keys, key)
	for j := range keys {
		other := keys[(i+1+j)%len(keys)]
		if kind(other) == kind(key) && !bytes.Equal(s.now[other], s.now[key]) {
			return other
		}
	}
	return key
}

// damages is everything that is done to each record in turn; an empty change
// means that it cannot be done to this one.
var damages = map[string]func(s *sample, key string) map[string][]byte{
	"removed": func(s *sample, key string) map[string][]byte { return map[string][]byte{key: nil} },
	"first byte flipped": func(s *sample, key string) map[string][]byte {
		return map[string][]byte{key: flip(s.now[key], 0)}
	},
	"middle byte flipped": func(s *sample, key string) map[string][]byte {
		return map[string][]byte{key: flip(s.now[key], len(s.now[key])/2)}
	},
	"last byte flipped": func(s *sample, key string) map[string][]byte {
		return map[string][]byte{key: flip(s.now[key], len(s.now[key])-1)}
	},
	"put back older": func(s *sample, key string) map[string][]byte {
		if s.older[key] == nil || bytes.Equal(s.older[key], s.now[key]) {
			return nil
		}
		return map[string][]byte{key: s.older[key]}
	},
	"swapped with a sibling": func(s *sample, key string) map[string][]byte {
		other := s.sibling(key)
		if other == key {
			return nil
		}
		return map[string][]byte{key: s.now[other], other: s.now[key]}
	},
	"moved": func(s *sample, key string) map[string][]byte {
		if key == record.HeaderKey() {
			return nil // that is "removed"
		}
		return map[string][]byte{key: nil, string(flip([]byte(key), len(key)-1)): s.now[key]}
	},
	"moved to no name": func(s *sample, key string) map[string][]byte {
		if key == record.HeaderKey() {
			return nil
		}
		return map[string][]byte{key: nil, key[:min(5, len(key)-1)]: s.now[key]} // of a set's record, the bare prefix
	},
	"copied": func(s *sample, key string) map[string][]byte {
		return map[string][]byte{string(flip([]byte(key), len(key)-1)): s.now[key]}
	},
}

func flip(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 1
	return b
}

// unnoticed is what image check cannot find, since it lies outside the audit
// chain; why it does no harm is beside it.
func unnoticed(damage, kind string) bool {
	switch kind {
	case "g": // a signature less: its entries are shown as unsigned
		return damage == "removed" || damage == "moved to no name"
	case "vs": // a session is over, or resumed as it was (tried below)
		return true
	case "vc": // a counter for nobody; and lockout is a brake, no more (design §3)
		return damage == "copied" || damage == "put back older"
	case "vb": // no backup is known to be in that vault: the status asks for one
		return damage == "removed"
	case "h": // a header in no place
		return damage == "copied"
	}
	return false
}

// TestTamper: every record of an image, damaged in every way, is found by
// image check. Nothing panics.
func TestTamper(t *testing.T) {
	s := newSample(t)
	for key := range s.now {
		for what, damage := range damages {
			change := damage(s, key)
			if len(change) == 0 {
				continue
			}
			all := maps.Clone(s.now)
			for k, b := range change {
				all[k] = b
				if b == nil {
					delete(all, k)
				}
			}
			im := inMemory(t, all)
			report, err := im.Check(s.ctx)
			found := err != nil || len(report.Findings) > 0
			if !found && !unnoticed(what, kind(key)) {
				t.Errorf("%s %x, %s: not found", kind(key), key, what)
			}
			s.useAll(im, fmt.Sprintf("%s %x, %s", kind(key), key, what))
		}
	}
}

// useAll works with a damaged image: each answer is a refusal or the right
// one, and never a login with no counter.
func (s *sample) useAll(im *Image, what string) {
	s.Helper()
	im.Status(s.ctx)
	im.AuditLog(s.ctx, 0, func(AuditEntry) error { return nil })
	if _, err := im.Resume(s.ctx, s.token); err == nil && strings.HasPrefix(what, "vs") && !strings.HasSuffix(what, "copied") {
		s.Errorf("%s: the session was resumed", what)
	}
	s.useKeys(im, what, "alice", "another alice house")
	if !strings.HasPrefix(what, "e ") && !strings.HasPrefix(what, "g ") { // audit entries and heads are not about keys
		s.useKeys(im, what, "bob", passBob)
	}
}

// useKeys lists and finds a user's keys; both users see the same three, of
// which two are alice's.
func (s *sample) useKeys(im *Image, what, name, password string) {
	s.Helper()
	who, err := im.Login(s.ctx, Credentials{Username: name, Password: pw(password)})
	if err != nil {
		s.refusedUse(err, what+": login of "+name)
		return
	}
	var labels []string
	_, err = who.ListKeys(s.ctx, filter(s.T, "attr.class=secret-key"), ListOptions{}, func(k *Key) error {
		labels = append(labels, k.Attributes.Label+" of "+k.Owner)
		return nil
	})
	slices.Sort(labels)
	if err != nil {
		s.refusedUse(err, what+": list by "+name)
	} else if !slices.Equal(labels, []string{"a of alice", "b of alice"}) && !s.lessShared(what, name) {
		s.Errorf("%s: %s sees %q", what, name, labels)
	}
	for _, label := range []string{"a", "b"} {
		o, err := who.oneByLabel(s.fixture, label)
		if err == nil && (o.set.Label != label || o.owner != string(s.row("alice").ID) || o.set.Is(attr.Extractable) != (label == "b")) && !olderKey(what) {
			s.Errorf("%s: %q of %s is %q", what, label, name, o.set.Label)
		}
	}
}

// refusedUse: a damaged record is refused as one, or hides what it is of (its
// index entry, a counter that was put back).
func (s *sample) refusedUse(err error, what string) {
	s.Helper()
	if !errors.Is(err, ErrIntegrity) && !errors.Is(err, ErrAuth) && !errors.Is(err, ErrLocked) {
		s.Errorf("%s: %v", what, err)
	}
}

// lessShared: an offer or a share that is gone is a key less for its receiver,
// who does not know how many he should have. Its owner, and image check, do.
func (s *sample) lessShared(what, name string) bool {
	return name == "bob" && (strings.HasPrefix(what, "offered share") || strings.HasPrefix(what, "share")) &&
		(strings.HasSuffix(what, "removed") || strings.Contains(what, "moved"))
}

// olderKey: by its label a key is found without looking at the others, so one
// that was put back is used as it was. Every listing and image check find it.
func olderKey(what string) bool {
	return strings.HasPrefix(what, "key") && strings.HasSuffix(what, "put back older")
}

func (s *Session) oneByLabel(f *fixture, label string) (o object, err error) {
	f.Helper()
	err = s.read(f.ctx, opListKeys, func(v *view) error {
		o, err = s.findOne(v, filter(f.T, label), "key", anyKey)
		return err
	})
	return o, err
}

// TestDamagedHeader: no command goes on with one.
func TestDamagedHeader(t *testing.T) {
	s := newSample(t)
	h := must[*record.Header](t)(record.DecodeHeader(s.now[record.HeaderKey()]))
	future := *h
	future.Suite = 9
	for what, tc := range map[string]struct {
		b    []byte
		kind error
	}{
		"missing": {nil, ErrIntegrity}, "flipped": {flip(s.now[record.HeaderKey()], 40), ErrIntegrity},
		"short":         {s.now[record.HeaderKey()][:20], ErrIntegrity},
		"another suite": {record.EncodeHeader(&future), ErrState},
	} {
		all := maps.Clone(s.now)
		delete(all, record.HeaderKey())
		if tc.b != nil {
			all[record.HeaderKey()] = tc.b
		}
		im := inMemory(t, all)
		_, err := im.Login(s.ctx, Credentials{Username: "alice", Password: pw("another alice house")})
		s.wants(err, tc.kind, what+": login")
		_, err = im.Status(s.ctx)
		s.wants(err, tc.kind, what+": status")
		if report, err := im.Check(s.ctx); err == nil && len(report.Findings) == 0 {
			t.Errorf("%s: image check finds nothing", what)
		}
	}
}
