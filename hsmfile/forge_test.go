package hsmfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"

	"filehsm/hsmfile/internal/chain"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/seal"
)

// forger is an AU who goes bad: he has his real keys, a real backup, its age
// identity and this program, and makes another backup out of it, with chain,
// signed head, manifest and hashes as they should be.
type forger struct {
	*fixture
	au      *Session
	m       Manifest
	content map[string][]byte
	dropAll bool // forget the chain and begin a new one
}

func (f *fixture) forger(au *Session) *forger {
	f.Helper()
	m, sealed := f.backup(au)
	plain := must[io.Reader](f.T)(age.Decrypt(bytes.NewReader(sealed), must[[]age.Identity](f.T)(age.ParseIdentities(bytes.NewReader(f.identity)))...))
	forge := &forger{fixture: f, au: au, m: *m, content: map[string][]byte{}}
	ok(f.T, readContent(plain, func(key string, b []byte) error {
		forge.content[key] = bytes.Clone(b)
		return nil
	}))
	return forge
}

func (g *forger) set(n record.Name, b []byte) { g.content[contentSet+string(n)] = b }

func (g *forger) last() chain.Link {
	key := slices.Max(slices.Collect(func(yield func(string) bool) {
		for k := range g.content {
			if strings.HasPrefix(k, record.EntryPrefix()) && !yield(k) {
				return
			}
		}
	}))
	return chain.Link{Entry: must[*chain.Entry](g.T)(chain.Decode(g.content[key])), Hash: record.Hash(g.content[key])}
}

// enter writes an audit entry of everything that the set holds, so that a
// replay finds what is there, and signs the head as the AU.
func (g *forger) enter(epoch uint64, was map[string][]byte) {
	g.Helper()
	last := g.last()
	e := chain.Entry{Sequence: last.Sequence + 1, Time: last.Time, Prev: last.Hash, Opcode: chain.CreateUser, Result: chain.Success,
		Epoch: epoch, KeyCount: last.KeyCount}
	if g.dropAll {
		maps.DeleteFunc(g.content, func(k string, _ []byte) bool {
			return strings.HasPrefix(k, record.EntryPrefix()) || strings.HasPrefix(k, record.HeadPrefix())
		})
		e.Sequence, e.Prev, was = 1, nil, nil
		last = chain.Link{}
	}
	for k, b := range g.content {
		name, inSet := strings.CutPrefix(k, contentSet)
		if (inSet || k == record.HeaderKey()) && !bytes.Equal(was[k], b) {
			e.Wrote = append(e.Wrote, chain.Wrote{Name: []byte(name), Hash: record.Hash(b)})
		}
	}
	for k := range was {
		if name, inSet := strings.CutPrefix(k, contentSet); inSet && g.content[k] == nil {
			e.Wrote = append(e.Wrote, chain.Wrote{Name: []byte(name)})
		}
	}
	e.Generation = e.GenerationAfter(last.Entry)
	b := e.Encode()
	g.content[record.EntryKey(e.Sequence)] = b
	h := record.Head{Sequence: e.Sequence, Hash: record.Hash(b), Epoch: epoch, User: g.au.user.ID, Gen: g.au.login.Gen, Verifier: g.au.keys.Verifier()}
	h.Sig = g.au.keys.Sign(signHead, h.Signed())
	g.content[record.HeadKey(e.Sequence, g.au.id())] = record.Encode(&h)
	g.m.HeadSequence, g.m.HeadHash, g.m.RosterEpoch, g.m.Generation = e.Sequence, hex.EncodeToString(record.Hash(b)), epoch, e.Generation
	g.m.ID = backupID(g.m.Serial, g.m.Generation, g.m.Time())
}

// seal makes age file and manifest of the content.
func (g *forger) seal() (*Manifest, []byte) {
	g.Helper()
	plain := new(bytes.Buffer)
	plain.Write([]byte(contentMagic + "\x00\x01"))
	for _, k := range slices.Sorted(maps.Keys(g.content)) {
		ok(g.T, writeRecord(plain, k, g.content[k]))
	}
	plain.Write(make([]byte, 4))
	sealed := new(bytes.Buffer)
	w := must[io.WriteCloser](g.T)(age.Encrypt(sealed, must[[]age.Recipient](g.T)(parseRecipients([]string{g.recipient}))...))
	must[int](g.T)(w.Write(plain.Bytes()))
	ok(g.T, w.Close())
	sum, content := sha256.Sum256(sealed.Bytes()), sha256.Sum256(plain.Bytes())
	g.m.Size, g.m.SHA256, g.m.ContentHash = int64(sealed.Len()), hex.EncodeToString(sum[:]), hex.EncodeToString(content[:])
	g.m.sign(g.au)
	return &g.m, sealed.Bytes()
}

// roster is the newest in the content.
func (g *forger) roster() *roster {
	g.Helper()
	var newest []byte
	at := ""
	for k, b := range g.content {
		if strings.HasPrefix(k, contentSet+string(record.RosterPrefix())) && k > at {
			at, newest = k, b
		}
	}
	return must[*roster](g.T)(parseRoster(newest))
}

// TestForgedBackup: nothing that an AU changes in a backup restores. The first
// row shows that the forger knows his trade: what he need not sign as an
// officer passes.
func TestForgedBackup(t *testing.T) {
	for _, tc := range []struct {
		what   string
		forge  func(g *forger) (epoch uint64)
		passes bool
	}{
		{"nothing but an entry", func(g *forger) uint64 { return g.roster().Epoch }, true},
		{"a user added, signed by the AU", func(g *forger) uint64 { return g.addUser(g.au.signer()) }, false},
		{"a user added, signed by the AU as CO", func(g *forger) uint64 {
			return g.addUser(signer{g.co.id(), g.au.keys})
		}, false},
		{"the AU made CO, in the newest roster itself", func(g *forger) uint64 {
			r := g.roster()
			g.set(record.RosterName(r.Epoch), forged(g.T, r, func(x *record.Roster) {
				x.Epoch, x.Prev, x.ByName("robot").Role = r.Epoch, r.Prev, uint8(CO)
			}, g.au.signer()))
			return r.Epoch
		}, false},
		{"a first roster of his own", func(g *forger) uint64 { return g.ownFirst() }, false},
		{"login record of a CU", func(g *forger) uint64 { return g.ownLogin() }, false},
		{"login record of a CU, chain begun anew", func(g *forger) uint64 {
			g.dropAll = true
			return g.ownLogin()
		}, false},
		{"public keys of a CU", func(g *forger) uint64 {
			bob := g.row("bob")
			p := must[*record.Public](g.T)(newPublic(string(bob.ID), g.au.keys, nil, nil))
			maps.DeleteFunc(g.content, func(k string, _ []byte) bool {
				return strings.HasPrefix(k, contentSet+string(record.PublicPrefix(string(bob.ID), 1)))
			})
			g.set(record.PublicName(string(bob.ID), 1, g.au.keys.Verifier()), record.Encode(p))
			return g.roster().Epoch
		}, false},
		{"a CU's login removed", func(g *forger) uint64 {
			bob := g.row("bob")
			delete(g.content, contentSet+string(record.LoginName(string(bob.ID))))
			return g.roster().Epoch
		}, false},
		{"a record without a name", func(g *forger) uint64 {
			g.set("", []byte{1})
			return g.roster().Epoch
		}, false},
		{"a record of an unknown kind", func(g *forger) uint64 {
			g.set("Z", []byte{1})
			return g.roster().Epoch
		}, false},
		{"a session", func(g *forger) uint64 {
			g.content[record.SessionKey(g.au.id(), make([]byte, sessionIDSize))] = []byte{1}
			return g.roster().Epoch
		}, false},
	} {
		t.Run(tc.what, func(t *testing.T) {
			f := newFixture(t, CreateSpec{})
			g := f.forger(f.login("robot"))
			was := maps.Clone(g.content)
			g.enter(tc.forge(g), was)
			m, sealed := g.seal()
			must[*Manifest](t)(ParseManifest(m.Encode()))
			plan, err := f.plan(f.newPath(), m, sealed)
			if tc.passes {
				ok(t, err)
				whole(t, must[*Image](t)(plan.Apply(f.ctx)))
			} else {
				f.wants(err, ErrIntegrity, "restore at a new path")
			}
			f.zeroize()
			_, err = f.plan(f.path, m, sealed)
			f.wants(err, ErrIntegrity, "restore where a chain survives")
		})
	}
}

// addUser adds mallory, with all the records that a user has.
func (g *forger) addUser(by signer) (epoch uint64) {
	g.Helper()
	n := must[*newUser](g.T)(prepareUser("mallory", CO, pw("mallory the forger")))
	r := g.roster()
	b := forged(g.T, r, func(x *record.Roster) {
		x.Users = append(x.Users, n.row)
		sortUsers(x)
	}, by)
	g.set(record.RosterName(r.Epoch+1), b)
	g.set(record.PublicName(string(n.row.ID), 1, n.keys.Verifier()), record.Encode(n.public))
	g.m.UserCount++
	return r.Epoch + 1
}

// ownFirst makes the AU the officer of a first roster that he signs; the
// header has its fingerprint, the manifest the real one.
func (g *forger) ownFirst() (epoch uint64) {
	g.Helper()
	r := g.roster()
	b := forged(g.T, r, func(x *record.Roster) {
		x.Epoch, x.Prev, x.Kept, x.KeptEpoch, x.ByName("robot").Role = 1, nil, nil, 0, uint8(CO)
	}, g.au.signer())
	maps.DeleteFunc(g.content, func(k string, _ []byte) bool {
		return strings.HasPrefix(k, contentSet+string(record.RosterPrefix()))
	})
	g.set(record.RosterName(1), b)
	h := must[*record.Header](g.T)(record.DecodeHeader(g.content[record.HeaderKey()]))
	h.Fingerprint = must[*roster](g.T)(parseRoster(b)).hash
	g.content[record.HeaderKey()] = record.EncodeHeader(h)
	return 1
}

// ownLogin gives bob a password that the AU knows.
func (g *forger) ownLogin() (epoch uint64) {
	g.Helper()
	bob := g.row("bob")
	lk := must[*lock](g.T)(newLock(pw("mallory the forger")))
	n := record.LoginName(string(bob.ID))
	place := seal.Place{Image: must[[]byte](g.T)(hex.DecodeString(g.im.ID())), Mode: modeNonFIPS, Kind: placeUS, ID: string(n), Version: 1}
	sealed := must[[]byte](g.T)(seal.Seal(lk.kek, place, g.au.keys.Secret().Reveal()))
	l := record.Login{User: bob.ID, Gen: 1, First: 1, Version: 1, KDF: lk.kdf, Sealed: sealed, SetBy: "bob"}
	l.Sig = g.au.keys.Sign(signLogin, l.Signed())
	g.set(n, record.Encode(&l))
	return g.roster().Epoch
}

// TestForgedManifest: a manifest edited in any field, or signed by a user who
// makes no backups.
func TestForgedManifest(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	alice := f.login("alice")
	real, sealed := f.backup(f.login("robot"))
	ok(t, f.im.VerifyManifest(f.ctx, real))
	for what, change := range map[string]func(*Manifest){
		"key count":   func(m *Manifest) { m.KeyCount++ },
		"user count":  func(m *Manifest) { m.UserCount++ },
		"epoch":       func(m *Manifest) { m.RosterEpoch++ },
		"recipients":  func(m *Manifest) { m.Recipients = nil },
		"signer":      func(m *Manifest) { m.Signer.Username = "admin" },
		"signer role": func(m *Manifest) { m.Signer.Role = "CO" },
		"head":        func(m *Manifest) { m.HeadSequence-- },
	} {
		m := *real
		change(&m)
		f.wants(f.im.VerifyManifest(f.ctx, &m), ErrIntegrity, "verify: "+what)
		_, err := f.plan(f.newPath(), &m, sealed)
		f.wants(err, ErrIntegrity, "restore: "+what)
	}
	byAlice := *real
	byAlice.sign(alice)
	f.wants(f.im.VerifyManifest(f.ctx, &byAlice), ErrIntegrity, "verify: signed by a CU")
	_, err := f.plan(f.newPath(), &byAlice, sealed)
	f.wants(err, ErrIntegrity, "restore: signed by a CU")
}

// TestAlteredBackup: an age file that is not the one of the manifest.
func TestAlteredBackup(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	robot := f.login("robot")
	m, sealed := f.backup(robot)
	_, other := f.backup(robot)
	flipped := bytes.Clone(sealed)
	flipped[len(flipped)-40] ^= 1
	for what, b := range map[string][]byte{
		"truncated": sealed[:len(sealed)-1], "half": sealed[:len(sealed)/2], "empty": nil, "flipped": flipped,
		"longer": append(bytes.Clone(sealed), 0), "another's": other,
	} {
		_, err := f.plan(f.newPath(), m, b)
		f.wants(err, ErrIntegrity, what)
		f.wants(VerifyCiphertext(f.ctx, m, bytes.NewReader(b)), ErrIntegrity, "verify: "+what)
	}
	ok(t, VerifyCiphertext(f.ctx, m, bytes.NewReader(sealed)))
	var stranger bytes.Buffer
	must[string](t)(GenerateIdentity(&stranger, false, f.im.Info().Fingerprint))
	_, err := PlanRestore(f.ctx, f.newPath(), m, bytes.NewReader(sealed), RestoreOptions{Identity: stranger.Bytes()}, Options{})
	f.wants(err, ErrNotFound, "an identity that opens nothing")
	bare := bytes.ReplaceAll(f.identity, []byte(f.im.Info().Fingerprint), nil)
	_, err = PlanRestore(f.ctx, f.newPath(), m, bytes.NewReader(sealed), RestoreOptions{Identity: bare}, Options{})
	f.wants(err, ErrIntegrity, "nothing to trust it by")
	_, err = PlanRestore(f.ctx, f.newPath(), m, bytes.NewReader(sealed), RestoreOptions{Identity: f.identity, Trust: strings.Repeat("0", 64)}, Options{})
	f.wants(err, ErrIntegrity, "another fingerprint to trust")
	_, err = f.plan(f.path, m, sealed)
	f.wants(err, ErrState, "restore into an active image")
	h := newFixture(t, CreateSpec{})
	h.zeroize()
	_, err = PlanRestore(f.ctx, h.path, m, bytes.NewReader(sealed), RestoreOptions{Identity: f.identity}, Options{})
	f.wants(err, ErrIntegrity, "restore into another HSM")
}
