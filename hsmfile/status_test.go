package hsmfile

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"

	"filehsm/hsmfile/attr"
)

// TestKeysNotInBackup: what a zeroization took, and what a restore brought
// back from a backup, is not said to be in no backup.
func TestKeysNotInBackup(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "a.hsm")
	im := must[*Image](t)(Create(ctx, path, CreateSpec{Label: "a"}, Options{}))
	co := must[*Session](t)(im.Activate(ctx, "admin", pw(passCO)))
	ok(t, co.CreateUser(ctx, "alice", CU, pw(passAlice)))
	alice := must[*Session](t)(im.Login(ctx, Credentials{Username: "alice", Password: pw(passAlice)}))
	generate := func() {
		must[*Key](t)(alice.GenerateSymmetric(ctx, SymmetricSpec{Type: attr.AES, Bytes: 32, Label: "k"}))
	}
	identity, age := new(bytes.Buffer), new(bytes.Buffer)
	recipient := must[string](t)(GenerateIdentity(identity, false, im.Info().Fingerprint))
	ok(t, co.AddVault(ctx, VaultInfo{Name: "usb", Location: "/mnt/usb", ID: "id1", Recipients: []string{recipient}}))
	want := func(keys, missing int) {
		t.Helper()
		st := must[*Status](t)(im.Status(ctx))
		if st.KeyCount != keys || st.KeysNotInBackup != missing {
			t.Errorf("%d keys, %d in no backup; want %d, %d", st.KeyCount, st.KeysNotInBackup, keys, missing)
		}
	}
	generate()
	want(1, 1)
	b := must[*Backup](t)(co.BeginBackup(ctx))
	m := must[[]*Manifest](t)(b.Write(ctx, []BackupTarget{{[]string{recipient}, age}}))[0]
	ok(t, co.FinishBackup(ctx, b, []string{"usb"}, nil))
	want(1, 0)
	generate()
	want(2, 1)
	ok(t, co.Zeroize(ctx))
	want(0, 0)
	plan := must[*RestorePlan](t)(PlanRestore(ctx, path, m, age, RestoreOptions{Identity: identity.Bytes()}, Options{}))
	im = must[*Image](t)(plan.Apply(ctx))
	want(1, 0)
	whole(t, im)
}
