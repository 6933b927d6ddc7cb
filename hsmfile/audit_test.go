package hsmfile

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"filehsm/hsmfile/internal/chain"
	"filehsm/hsmfile/internal/clock"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/seal"
)

func (f *fixture) verify(all bool, ms ...*Manifest) *AuditReport {
	f.Helper()
	f.reopen()
	return must[*AuditReport](f.T)(f.im.AuditVerify(f.ctx, AuditVerifyOptions{All: all, Manifests: ms}))
}

func (f *fixture) entries() (all []chain.Entry) {
	f.Helper()
	ok(f.T, f.im.view(f.ctx, func(v *view) error {
		return chain.Walk(v.r, func(at chain.Link) error { all = append(all, *at.Entry); return nil })
	}))
	return all
}

// stranger is somebody who can write the file and has no password.
func stranger(t *testing.T) author {
	t.Helper()
	return author{"stranger", 1, must[*seal.UserKeys](t)(seal.KeysOf(seal.NewUserSecret()))}
}

// append1 is an entry after the newest, as the store keeps it.
func (f *fixture) append1(e chain.Entry, change map[string][]byte) (seq uint64, hash []byte) {
	f.Helper()
	all := f.entries()
	last := all[len(all)-1]
	e.Sequence, e.Time, e.Prev, e.Result = last.Sequence+1, last.Time, record.Hash(last.Encode()), chain.Success
	e.Epoch, e.KeyCount, e.Generation = last.Epoch, last.KeyCount, e.GenerationAfter(&last)
	b := e.Encode()
	change[record.EntryKey(e.Sequence)] = b
	return e.Sequence, record.Hash(b)
}

func head(by author, seq uint64, hash []byte) []byte {
	h := record.Head{Sequence: seq, Hash: hash, Epoch: 1, User: []byte(by.id), Gen: by.gen, Verifier: by.keys.Verifier()}
	h.Sig = by.keys.Sign(signHead, h.Signed())
	return record.Encode(&h)
}

// TestAuditTampering: whatever is done to chain and heads is found; what can
// be added with no key is shown as unsigned.
func TestAuditTampering(t *testing.T) {
	for _, tc := range []struct {
		what   string
		change func(f *fixture, all []chain.Entry) map[string][]byte
	}{
		{"an entry removed", func(f *fixture, all []chain.Entry) map[string][]byte {
			return map[string][]byte{record.EntryKey(4): nil}
		}},
		{"the first removed", func(f *fixture, all []chain.Entry) map[string][]byte {
			return map[string][]byte{record.EntryKey(1): nil}
		}},
		{"an entry changed", func(f *fixture, all []chain.Entry) map[string][]byte {
			e := all[4]
			e.Username = "alice"
			return map[string][]byte{record.EntryKey(5): e.Encode()}
		}},
		{"an entry changed and all after it made to fit", func(f *fixture, all []chain.Entry) map[string][]byte {
			change := map[string][]byte{}
			all[4].Username = "alice"
			for i := 4; i < len(all); i++ {
				if i > 4 {
					all[i].Prev = record.Hash(all[i-1].Encode())
				}
				change[record.EntryKey(all[i].Sequence)] = all[i].Encode()
			}
			return change
		}},
		{"two swapped", func(f *fixture, all []chain.Entry) map[string][]byte {
			return map[string][]byte{record.EntryKey(4): all[4].Encode(), record.EntryKey(5): all[3].Encode()}
		}},
		{"truncated", func(f *fixture, all []chain.Entry) map[string][]byte {
			return map[string][]byte{record.EntryKey(uint64(len(all))): nil}
		}},
		{"truncated with its heads", func(f *fixture, all []chain.Entry) map[string][]byte {
			change := map[string][]byte{}
			for key := range records(f.T, f.path) {
				if key >= record.EntryKey(6) && key < record.EntryKey(1<<62) || key >= record.HeadKey(6, "") && key < record.HeadKey(1<<62, "") {
					change[key] = nil
				}
			}
			return change
		}},
		{"emptied", func(f *fixture, all []chain.Entry) map[string][]byte {
			change := map[string][]byte{}
			for i := range all {
				change[record.EntryKey(uint64(i+1))] = nil
			}
			return change
		}},
		{"a head of an entry that is not there", func(f *fixture, all []chain.Entry) map[string][]byte {
			return map[string][]byte{record.HeadKey(5, f.co.id()): head(f.co.author(), 5, make([]byte, 32))}
		}},
		{"a head by a stranger", func(f *fixture, all []chain.Entry) map[string][]byte {
			by := stranger(f.T)
			return map[string][]byte{record.HeadKey(5, by.id): head(by, 5, record.Hash(all[4].Encode()))}
		}},
		{"a head by a stranger in an officer's name", func(f *fixture, all []chain.Entry) map[string][]byte {
			by := stranger(f.T)
			by.id = f.co.id()
			return map[string][]byte{record.HeadKey(9, by.id): head(by, 9, record.Hash(all[8].Encode()))}
		}},
		{"a head in another's place", func(f *fixture, all []chain.Entry) map[string][]byte {
			return map[string][]byte{record.HeadKey(5, "somebody"): head(f.co.author(), 5, record.Hash(all[4].Encode()))}
		}},
		{"a user that only the chain knows, who signs it", func(f *fixture, all []chain.Entry) map[string][]byte {
			by, change := stranger(f.T), map[string][]byte{}
			p := must[*record.Public](f.T)(newPublic(by.id, by.keys, nil, nil))
			n := record.PublicName(by.id, 1, by.keys.Verifier())
			seq, hash := f.append1(chain.Entry{Opcode: chain.Tombstone, Wrote: []chain.Wrote{{Name: []byte(n), Hash: record.Hash(record.Encode(p))}}}, change)
			change[f.key(n)], change[record.HeadKey(seq, by.id)] = record.Encode(p), head(by, seq, hash)
			return change
		}},
	} {
		t.Run(tc.what, func(t *testing.T) {
			f := newFixture(t, CreateSpec{})
			alice := f.login("alice")
			f.aes(alice, "a")
			f.login("bob")
			f.login("admin")
			f.tamper(tc.change(f, f.entries()))
			if r := f.verify(true); len(r.Findings) == 0 {
				t.Error("audit verify --all finds nothing")
			}
			if len(findings(t, f.path)) == 0 {
				t.Error("image check finds nothing")
			}
		})
	}
}

// TestUnsignedEntries: entries after the newest signature are shown as such,
// whether they are real or were added by who has no key.
func TestUnsignedEntries(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	alice := f.login("alice")
	if r := f.verify(false); r.Unsigned != 0 || len(r.Findings) != 0 {
		t.Errorf("after a login: %+v", r)
	}
	f.aes(alice, "a")
	change := map[string][]byte{}
	f.append1(chain.Entry{Opcode: chain.Sign, Username: "admin"}, change)
	edit(t, f.path, change)
	if r := f.verify(false); r.Unsigned != 2 || len(r.Findings) != 0 {
		t.Errorf("after a key and a planted entry: %+v", r)
	}
	unsigned := 0
	ok(t, f.im.AuditLog(f.ctx, 0, func(e AuditEntry) error {
		if e.Unsigned {
			unsigned++
		}
		return nil
	}))
	if unsigned != 2 {
		t.Errorf("the log shows %d unsigned entries, want 2", unsigned)
	}
}

// TestHeadsOfThePast: signatures of users who are gone, with keys that are
// gone, from before zeroizations and restores, stay good.
func TestHeadsOfThePast(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	f.login("bob")
	robot := f.login("robot")
	m, age := f.backup(robot)
	ok(t, f.co.CreateUser(f.ctx, "dave", CU, pw("dave after the backup")))
	dave := must[*Session](t)(f.try("dave", "dave after the backup", false))
	ok(t, dave.ChangePassword(f.ctx, pw("dave changed his own")))
	must[*Session](t)(f.try("dave", "dave changed his own", false))
	f.zeroize()
	f.im = f.restore(f.path, m, age)
	for _, all := range []bool{false, true} {
		if r := f.verify(all); len(r.Findings) > 0 {
			t.Errorf("after the restore: %+v", r.Findings)
		}
	}
	f.co = f.login("admin")
	must[int](t)(f.co.DeleteUser(f.ctx, "bob"))
	must[int](t)(f.co.ResetPassword(f.ctx, "robot", pw("robot was forgotten")))
	for _, all := range []bool{false, true} {
		if r := f.verify(all); len(r.Findings) > 0 {
			t.Errorf("after deletion and reset: %+v", r.Findings)
		}
	}
}

// TestOlderFile: the whole file put back is found by what lies outside: the
// vault's newest manifest, and the head remembered per path.
func TestOlderFile(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	robot := f.login("robot")
	older := must[[]byte](t)(os.ReadFile(f.path))
	m, _ := f.backup(robot)
	seq, hash, err := f.im.Head(f.ctx)
	ok(t, err)
	ok(t, f.im.CheckManifest(f.ctx, m))
	if same := must[bool](t)(f.im.Continues(f.ctx, seq, hash)); !same {
		t.Error("the image does not continue itself")
	}
	newHead := func(want uint64) {
		t.Helper()
		if got, at, err := f.im.NewHead(f.ctx, seq, hash); err != nil || got != want || (at == "") != (want == 0) {
			t.Errorf("the head after %d is %d %q, %v; want %d", seq, got, at, err, want)
		}
	}
	newHead(0)
	f.login("robot")
	newHead(seq + 1)
	ok(t, os.WriteFile(f.path, older, 0o600))
	f.reopen()
	f.login("robot") // the older file is whole in itself, and grows on
	f.login("robot")
	f.wants(f.im.CheckManifest(f.ctx, m), ErrIntegrity, "the newest backup")
	if same := must[bool](t)(f.im.Continues(f.ctx, seq, hash)); same {
		t.Error("an older file continues the newer head")
	}
	if r := f.verify(false, m); len(r.Findings) != 1 || !strings.Contains(fmt.Sprint(r.Findings), m.ID) {
		t.Errorf("audit verify with the manifest: %+v", r.Findings)
	}
}

// TestClockBackwards: it stops nothing; the entry carries the later time, and
// whoever works is warned.
func TestClockBackwards(t *testing.T) {
	defer func(was func() time.Time) { clock.Now = was }(clock.Now)
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	clock.Now = func() time.Time { return at }
	f := newFixture(t, CreateSpec{})
	f.login("alice")
	at = at.Add(-3 * time.Hour)
	f.warnings = nil
	alice := f.login("alice")
	f.aes(alice, "a")
	if len(f.warnings) == 0 || !strings.Contains(f.warnings[0], "3h0m0s") {
		t.Errorf("warnings %q, want one of three hours", f.warnings)
	}
	for _, e := range f.entries() {
		if e.Time != at.Add(3*time.Hour).UnixMilli() {
			t.Errorf("entry %d is of %s", e.Sequence, time.UnixMilli(e.Time).UTC())
		}
	}
	at = at.Add(4 * time.Hour)
	f.warnings = nil
	f.aes(alice, "b")
	if len(f.warnings) > 0 {
		t.Errorf("a clock that is right again warns: %q", f.warnings)
	}
}

// TestReadersChangeNothing: what needs no login, and what reads in a session,
// leaves every byte as it was.
func TestReadersChangeNothing(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	alice := f.login("alice")
	f.aes(alice, "a")
	token := must[SessionToken](t)(alice.Persist(f.ctx, DefaultTTL))
	f.reopen()
	before := must[[]byte](t)(os.ReadFile(f.path))
	f.reopen()
	must[*Status](t)(f.im.Status(f.ctx))
	must[[]UserInfo](t)(f.im.Users(f.ctx))
	must[*Policy](t)(f.im.Policy(f.ctx))
	f.verify(true)
	s := must[*Session](t)(f.im.Resume(f.ctx, token))
	f.list(s)
	f.list(s, "a")
	if after := must[[]byte](t)(os.ReadFile(f.path)); !bytes.Equal(before, after) {
		t.Error("the file has changed")
	}
}
