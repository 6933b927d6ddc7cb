package hsmfile

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"
)

// signAs signs a manifest as somebody who knows the format and has a key of
// his own, and says of himself what he likes.
func (m *Manifest) signAs(key ed25519.PrivateKey, user string) {
	m.Signer.UserID, m.Signer.PublicKey = hex.EncodeToString([]byte(user)), hex.EncodeToString(key.Public().(ed25519.PublicKey))
	m.Signature = hex.EncodeToString(ed25519.Sign(key, append([]byte("filehsm/v1/manifest\x00"), m.signed()...)))
}

func strangersKey() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(make([]byte, 32)) }

// standings of a manifest, as the two questions about it answer.
const (
	passedOver = "says nothing about the image"
	goesOn     = "the image continues it"
	isOlder    = "the image is older"
	eitherOr   = "the image is older, or the manifest was planted"
)

func (f *fixture) standing(m *Manifest) string {
	f.Helper()
	why, err := f.im.BelieveManifest(f.ctx, m)
	ok(f.T, err)
	err = f.im.CheckManifest(f.ctx, m)
	if err != nil {
		f.wants(err, ErrIntegrity, "check of "+m.ID)
	}
	switch {
	case why != nil && err != nil && !errors.Is(err, ErrUnknownSigner):
		f.wants(why, ErrIntegrity, "belief in "+m.ID)
		return passedOver
	case why == nil && err == nil:
		return goesOn
	case errors.Is(err, ErrUnknownSigner):
		if text := err.Error(); !strings.Contains(text, "planted") || !strings.Contains(HintOf(err), "backup verify --backup "+m.ID+" --identity") {
			f.Errorf("an unknown signer is told as %q, hint %q", text, HintOf(err))
		}
		return eitherOr
	}
	return isOlder
}

// TestPlantedManifest: what is laid into a vault by somebody who can write it
// passes for one of ours only where an older copy of the image could not know
// better.
func TestPlantedManifest(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	ok(t, f.co.CreateUser(f.ctx, "dave", CU, pw("dave was here before")))
	dave := must[*Session](t)(f.try("dave", "dave was here before", false))
	must[int](t)(f.co.DeleteUser(f.ctx, "dave"))
	alice := f.login("alice")
	real, _ := f.backup(f.login("robot"))
	noHead := func(m *Manifest) { m.HeadHash = strings.Repeat("ab", 32) }
	for what, tc := range map[string]struct {
		edit func(m *Manifest)
		want string
	}{
		"as it is":             {func(m *Manifest) {}, goesOn},
		"edited":               {func(m *Manifest) { m.KeyCount++ }, passedOver},
		"another head, edited": {noHead, passedOver},
		"another signer named": {func(m *Manifest) { m.Signer.PublicKey = strings.Repeat("ab", 32) }, passedOver},
		"no signature":         {func(m *Manifest) { m.Signature = "" }, passedOver},
		"of another HSM": {func(m *Manifest) {
			m.Fingerprint = strings.Repeat("ab", 32)
			m.signAs(strangersKey(), f.row("robot").Name)
		}, passedOver},
		"by a CU":             {func(m *Manifest) { noHead(m); m.sign(alice) }, passedOver},
		"by a CU of our head": {func(m *Manifest) { m.sign(alice) }, passedOver},
		"by a CU who is gone": {func(m *Manifest) { noHead(m); m.sign(dave) }, passedOver},
		"by a stranger, as a CU": {func(m *Manifest) {
			noHead(m)
			m.signAs(strangersKey(), string(f.row("alice").ID))
		}, passedOver},
		"by a stranger, of our head": {func(m *Manifest) { m.signAs(strangersKey(), string(f.row("robot").ID)) }, passedOver},
		"by a stranger": {func(m *Manifest) {
			noHead(m)
			m.signAs(strangersKey(), "somebody")
		}, eitherOr},
		"by a stranger, as the AU": {func(m *Manifest) {
			noHead(m)
			m.Signer.Generation++
			m.signAs(strangersKey(), string(f.row("robot").ID))
		}, eitherOr},
		"by a stranger, further on": {func(m *Manifest) {
			m.HeadSequence += 100
			m.signAs(strangersKey(), "somebody")
		}, eitherOr},
		"by the AU, of another head": {func(m *Manifest) { noHead(m); m.sign(f.login("robot")) }, isOlder},
	} {
		m := *real
		tc.edit(&m)
		if got := f.standing(&m); got != tc.want {
			t.Errorf("%s: %s; want: %s", what, got, tc.want)
		}
	}
}

// TestOlderCopy: an older copy of the image takes none of the backups made
// after it for a stranger's, whoever signed them.
func TestOlderCopy(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	robot := f.login("robot")
	before, _ := f.backup(robot)
	older := must[[]byte](t)(os.ReadFile(f.path))
	byRobot, _ := f.backup(robot)
	ok(t, f.co.CreateUser(f.ctx, "nightly", AU, pw("night after night")))
	byNew, _ := f.backup(must[*Session](t)(f.try("nightly", "night after night", false)))
	ok(t, robot.ChangePassword(f.ctx, pw("robot with another")))
	byChanged, _ := f.backup(must[*Session](t)(f.try("robot", "robot with another", false)))
	must[int](t)(f.co.DeleteUser(f.ctx, "nightly"))
	for what, m := range map[string]*Manifest{"before": before, "by robot": byRobot, "by a user who is gone": byNew, "by an older key": byRobot, "newest": byChanged} {
		if got := f.standing(m); got != goesOn {
			t.Errorf("%s: %s", what, got)
		}
		ok(t, f.im.VerifyManifest(f.ctx, m))
	}
	ok(t, os.WriteFile(f.path, older, 0o600))
	f.reopen()
	for _, tc := range []struct {
		what string
		m    *Manifest
		want string
	}{
		{"of the time before", before, goesOn}, {"by a key that it knows", byRobot, isOlder},
		{"by a user made later", byNew, eitherOr}, {"by a key made later", byChanged, eitherOr},
	} {
		if got := f.standing(tc.m); got != tc.want {
			t.Errorf("a backup %s: %s; want: %s", tc.what, got, tc.want)
		}
		r := f.verify(false, tc.m)
		if found := len(r.Findings) > 0; found != (tc.want != goesOn) {
			t.Errorf("audit verify against a backup %s: %+v", tc.what, r.Findings)
		}
	}
	f.wants(f.im.VerifyManifest(f.ctx, byNew), ErrUnknownSigner, "verify of a manifest by a user made later")
}

// TestPassedByUnknown: a restore that passed a newer backup over goes on,
// though the backup's signer came after what was restored.
func TestPassedByUnknown(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	m1, age1 := f.backup(f.login("robot"))
	ok(t, f.co.CreateUser(f.ctx, "nightly", AU, pw("night after night")))
	m2, _ := f.backup(must[*Session](t)(f.try("nightly", "night after night", false)))
	planted := *m2
	planted.KeyCount = 99
	plan := must[*RestorePlan](t)(f.plan(f.newPath(), m1, age1, m2, &planted))
	said(t, "newer", plan.Report().Newer, []string{m2.ID})
	f.im = must[*Image](t)(plan.Apply(f.ctx))
	if got := f.standing(m2); got != goesOn {
		t.Errorf("a backup that the restore passed over: %s", got)
	}
	whole(t, f.im)
}

// TestNoChain: with every audit entry gone, a manifest is a refusal, not a
// crash.
func TestNoChain(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	m, _ := f.backup(f.login("robot"))
	gone := map[string][]byte{}
	for key := range records(t, f.path) {
		if kind(key) == "e" {
			gone[key] = nil
		}
	}
	f.tamper(gone)
	f.wants(f.im.VerifyManifest(f.ctx, m), ErrIntegrity, "verify")
	f.wants(f.im.CheckManifest(f.ctx, m), ErrIntegrity, "check")
	if len(findings(t, f.path)) == 0 {
		t.Error("image check finds nothing")
	}
}
