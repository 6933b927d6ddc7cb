package hsmfile

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/internal/seal"
	"filehsm/hsmfile/secret"
)

func TestMain(m *testing.M) {
	seal.UseCheapKDF()
	os.Exit(m.Run())
}

func pw(s string) *secret.Bytes { return secret.New([]byte(s)) }

const (
	passCO    = "correct officer words"
	passAlice = "alice in the house"
	passRobot = "robot by the night"
)

// must fails the test on an error.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatalf("%v (hint: %s)", err, HintOf(err))
		}
		return v
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v (hint: %s)", err, HintOf(err))
	}
}

func filter(t *testing.T, words ...string) attr.Filter {
	t.Helper()
	return must[attr.Filter](t)(attr.ParseFilter(words))
}

// whole fails the test if image check finds anything.
func whole(t *testing.T, im *Image) {
	t.Helper()
	report := must[*CheckReport](t)(im.Check(context.Background()))
	for _, f := range report.Findings {
		t.Errorf("check: %s: %s", f.Record, f.Problem)
	}
}

// TestStory lives through the whole incident: keys made, backed up, wiped by
// wrong passwords, and brought back.
func TestStory(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "prod.hsm")
	im := must[*Image](t)(Create(ctx, path, CreateSpec{Label: "prod"}, Options{}))
	whole(t, im)
	co := must[*Session](t)(im.Activate(ctx, "admin", pw(passCO)))
	ok(t, co.CreateUser(ctx, "alice", CU, pw(passAlice)))
	ok(t, co.CreateUser(ctx, "robot", AU, pw(passRobot)))
	whole(t, im)
	alice := must[*Session](t)(im.Login(ctx, Credentials{Username: "Alice", Password: pw(passAlice)}))
	kek := must[*Key](t)(alice.GenerateSymmetric(ctx, SymmetricSpec{Type: attr.AES, Bytes: 32, Label: "kek", Usage: []string{"wrap"}}))
	must[*Key](t)(alice.GenerateSymmetric(ctx, SymmetricSpec{Type: attr.AES, Bytes: 32, Label: "data"}))
	_, priv, err := alice.GeneratePair(ctx, PairSpec{Type: attr.EC, Curve: "secp256r1", PublicLabel: "tls", PrivateLabel: "tls", Usage: []string{"sign"}})
	ok(t, err)
	whole(t, im)
	wrapped := must[*Wrapped](t)(alice.Wrap(ctx, "aes-zero-pad", filter(t, "data"), filter(t, "kek")))
	_, sig, err := alice.Sign(ctx, SignSpec{Mechanism: "ecdsa", Filter: filter(t, "tls"), Data: bytes.NewReader([]byte("hello"))})
	ok(t, err)
	ok(t, alice.ChangePassword(ctx, pw("another alice house")))
	whole(t, im)

	identity := new(bytes.Buffer)
	recipient := must[string](t)(GenerateIdentity(identity, false, im.Info().Fingerprint))
	ok(t, co.AddVault(ctx, VaultInfo{Name: "usb", Location: "/mnt/usb", ID: "id1", Recipients: []string{recipient}}))
	robot := must[*Session](t)(im.Login(ctx, Credentials{Username: "robot", Password: pw(passRobot)}))
	b := must[*Backup](t)(robot.BeginBackup(ctx))
	age := new(bytes.Buffer)
	ms := must[[]*Manifest](t)(b.Write(ctx, []BackupTarget{{[]string{recipient}, age}}))
	ok(t, robot.FinishBackup(ctx, b, []string{"usb"}, nil))
	m := must[*Manifest](t)(ParseManifest(ms[0].Encode()))
	ok(t, im.VerifyManifest(ctx, m))
	ok(t, im.CheckManifest(ctx, m))
	whole(t, im)

	for i := range 3 {
		_, err := im.Login(ctx, Credentials{Username: "admin", Password: pw("wrong"), LastAttempt: i == 2})
		if err == nil {
			t.Fatal("a wrong password was taken")
		}
	}
	im = must[*Image](t)(Open(ctx, path, Options{}))
	if im.Info().State != Zeroized {
		t.Fatalf("state %s after three wrong passwords", im.Info().State)
	}
	whole(t, im)
	for _, at := range []string{path, filepath.Join(t.TempDir(), "new.hsm")} {
		plan := must[*RestorePlan](t)(PlanRestore(ctx, at, m, bytes.NewReader(age.Bytes()), RestoreOptions{Identity: identity.Bytes()}, Options{}))
		t.Logf("%+v", plan.Report())
		im = must[*Image](t)(plan.Apply(ctx))
		whole(t, im)
		alice = must[*Session](t)(im.Login(ctx, Credentials{Username: "alice", Password: pw("another alice house")}))
		must[uint64](t)(alice.Verify(ctx, SignSpec{Mechanism: "ecdsa", Filter: filter(t, "tls"), Data: bytes.NewReader([]byte("hello"))}, sig))
		must[*Key](t)(alice.Unwrap(ctx, UnwrapSpec{Mechanism: "aes-zero-pad", Filter: filter(t, "kek"), Data: wrapped.Data, KeyTypeClass: "aes", Label: "data2"}))
		n := 0
		res := must[ListResult](t)(alice.ListKeys(ctx, attr.Filter{}, ListOptions{}, func(k *Key) error {
			if k.Reference == kek.Reference || k.Reference == priv.Reference {
				n++
			}
			return nil
		}))
		if n != 2 || res.Total != 5 {
			t.Errorf("found %d of 2, %d in all", n, res.Total)
		}
		whole(t, im)
	}
}
