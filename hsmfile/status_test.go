package hsmfile

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/internal/record"
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
	notIn := func(generation uint64, keys int) {
		t.Helper()
		if n := must[int](t)(im.KeysNotIn(ctx, generation)); n != keys {
			t.Errorf("%d keys are not in generation %d; want %d", n, generation, keys)
		}
	}
	notIn(m.Generation, 1)
	notIn(0, 2)
	ok(t, co.Zeroize(ctx))
	want(0, 0)
	plan := must[*RestorePlan](t)(PlanRestore(ctx, path, m, age, RestoreOptions{Identity: identity.Bytes()}, Options{}))
	im = must[*Image](t)(plan.Apply(ctx))
	want(1, 0)
	notIn(m.Generation, 0)
	notIn(0, 1) // the backup that it came from counts for itself alone
	whole(t, im)
}

// TestBackupMark: a bit flipped in what the image remembers of its vault's
// newest backup is found, for it would say that keys are in it which are not.
func TestBackupMark(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	identity := new(bytes.Buffer)
	recipient := must[string](t)(GenerateIdentity(identity, false, f.im.Info().Fingerprint))
	ok(t, f.co.AddVault(f.ctx, VaultInfo{Name: "usb", Location: "/mnt/usb", ID: "id1", Recipients: []string{recipient}}))
	b := must[*Backup](t)(f.co.BeginBackup(f.ctx))
	must[[]*Manifest](t)(b.Write(f.ctx, []BackupTarget{{[]string{recipient}, new(bytes.Buffer)}}))
	ok(t, f.co.FinishBackup(f.ctx, b, []string{"usb"}, nil))
	all := records(t, f.path)
	key := record.BackupMarkKey("id1")
	for bit := range 8 * len(all[key]) {
		changed := maps.Clone(all)
		changed[key] = bytes.Clone(all[key])
		changed[key][bit/8] ^= 1 << (bit % 8)
		im := inMemory(t, changed)
		_, err := im.Status(f.ctx)
		f.wants(err, ErrIntegrity, fmt.Sprintf("status, bit %d", bit))
		if report := must[*CheckReport](t)(im.Check(f.ctx)); len(report.Findings) != 1 {
			t.Errorf("image check finds %v in bit %d", report.Findings, bit)
		}
	}
}

// TestCheckMarks: in every state but uninitialized a bad mark is one finding,
// and so is one of a vault that the image never had.
func TestCheckMarks(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	recipient := must[string](t)(GenerateIdentity(new(bytes.Buffer), false, ""))
	ok(t, f.co.AddVault(f.ctx, VaultInfo{Name: "usb", Location: "/mnt/usb", ID: "id1", Recipients: []string{recipient}}))
	at := time.UnixMilli(0).UTC()
	good := record.Encode(&record.BackupMark{ID: backupID(f.im.Info().Serial, 1, at), Generation: 1})
	for _, state := range []State{Active, Zeroized} {
		if state == Zeroized {
			f.zeroize()
		}
		for _, c := range []struct {
			vault string
			mark  []byte
			want  []Finding
		}{
			{"id1", good, nil},
			{"id1", []byte("x"), []Finding{{`mark of the last backup in vault "usb"`, "malformed record: unexpected EOF"}}},
			{"id9", good, []Finding{{"mark of the last backup", "it is of a vault that this image never had"}}},
		} {
			all := records(t, f.path)
			all[record.BackupMarkKey(c.vault)] = c.mark
			if found := must[*CheckReport](t)(inMemory(t, all).Check(f.ctx)).Findings; !slices.Equal(found, c.want) {
				t.Errorf("%s, %s: %v, want %v", state, c.vault, found, c.want)
			}
		}
	}
}
