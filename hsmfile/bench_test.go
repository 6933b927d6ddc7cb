package hsmfile

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"testing"
	"time"

	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/seal"
)

// Benchmarks of the HSM, small and full:
//
//	go test -run '^$' -bench . ./hsmfile
//
// The images are made once each; 10,000 keys are put a thousand a transaction,
// by the code that an unwrap uses.

// full is an image with n keys of alice's, and her session.
type full struct {
	ctx   context.Context
	im    *Image
	co    *Session
	alice *Session
}

func newFull(b *testing.B, n int) *full {
	b.Helper()
	f := &full{ctx: context.Background()}
	path := filepath.Join(b.TempDir(), "x.hsm")
	f.im = f.image(b)(Create(f.ctx, path, CreateSpec{Label: "x"}, Options{}))
	var err error
	f.co, err = f.im.Activate(f.ctx, "admin", pw(passCO))
	f.ok(b, err)
	f.ok(b, f.co.CreateUser(f.ctx, "alice", CU, pw(passAlice)))
	f.alice, err = f.im.Login(f.ctx, Credentials{Username: "alice", Password: pw(passAlice)})
	f.ok(b, err)
	_, _, err = f.alice.GeneratePair(f.ctx, PairSpec{Type: attr.EC, Curve: "secp256r1", PublicLabel: "tls", PrivateLabel: "tls", Usage: []string{"sign"}})
	f.ok(b, err)
	for done := 0; done < n; done += perTransaction {
		f.fill(b, done, min(n, done+perTransaction))
	}
	return f
}

func (f *full) ok(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (f *full) image(b *testing.B) func(*Image, error) *Image {
	return func(im *Image, err error) *Image { f.ok(b, err); return im }
}

func (f *full) fill(b *testing.B, from, to int) {
	b.Helper()
	f.ok(b, f.alice.write(f.ctx, opGenerate, func(c *change) error {
		var added []object
		for i := from; i < to; i++ {
			set := attr.New(attr.SecretKey, attr.GenericSecret)
			if err := prepareSet(set, fmt.Sprintf("key-%d", i), nil, nil); err != nil {
				return err
			}
			o, err := f.alice.putObject(c, set, seal.NewKey())
			if err != nil {
				return err
			}
			added = append(added, o)
		}
		if err := f.alice.hold(c, added, nil); err != nil {
			return err
		}
		return c.record(f.alice.entry(c, opGenerate))
	}))
}

func BenchmarkHSM(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		f := newFull(b, n)
		for _, x := range []struct {
			name string
			do   func(b *testing.B, f *full) error
		}{
			{"open", benchOpen}, {"generate", benchGenerate}, {"sign", benchSign}, {"find", benchFind},
			{"list", benchList}, {"status", benchStatus}, {"check", benchCheck}, {"backup", benchBackup},
			{"restore", benchRestore},
		} {
			b.Run(fmt.Sprintf("%s/%d", x.name, n), func(b *testing.B) {
				for b.Loop() {
					f.ok(b, x.do(b, f))
				}
			})
		}
	}
}

func benchOpen(_ *testing.B, f *full) error {
	_, err := Open(f.ctx, f.im.Path(), Options{})
	return err
}

func benchGenerate(_ *testing.B, f *full) error {
	_, err := f.alice.GenerateSymmetric(f.ctx, SymmetricSpec{Type: attr.AES, Bytes: 32, Label: "k"})
	return err
}

func benchSign(b *testing.B, f *full) error {
	only, err := attr.ParseFilter([]string{"tls"})
	if err == nil {
		_, _, err = f.alice.Sign(f.ctx, SignSpec{Mechanism: "ecdsa", Filter: only, Data: bytes.NewReader([]byte("hello"))})
	}
	return err
}

func benchFind(b *testing.B, f *full) error {
	only, err := attr.ParseFilter([]string{"key-7"})
	if err == nil {
		_, err = f.alice.ListKeys(f.ctx, only, ListOptions{}, func(*Key) error { return nil })
	}
	return err
}

func benchList(_ *testing.B, f *full) error {
	_, err := f.alice.ListKeys(f.ctx, attr.Filter{}, ListOptions{}, func(*Key) error { return nil })
	return err
}

func benchStatus(_ *testing.B, f *full) error {
	_, err := f.im.Status(f.ctx)
	return err
}

func benchCheck(b *testing.B, f *full) error {
	report, err := f.im.Check(f.ctx)
	if err == nil && len(report.Findings) > 0 {
		b.Fatal(report.Findings)
	}
	return err
}

func benchBackup(_ *testing.B, f *full) error {
	backup, err := f.co.BeginBackup(f.ctx)
	if err != nil {
		return err
	}
	recipient, err := GenerateIdentity(io.Discard, false, "")
	if err == nil {
		_, err = backup.Write(f.ctx, []BackupTarget{{[]string{recipient}, io.Discard}})
	}
	return err
}

// benchRestore makes a backup outside the clock, and restores it at a path where
// nothing is.
func benchRestore(b *testing.B, f *full) error {
	b.StopTimer()
	var identity, sealed bytes.Buffer
	recipient, err := GenerateIdentity(&identity, false, f.im.Info().Fingerprint)
	f.ok(b, err)
	backup, err := f.co.BeginBackup(f.ctx)
	f.ok(b, err)
	manifests, err := backup.Write(f.ctx, []BackupTarget{{[]string{recipient}, &sealed}})
	f.ok(b, err)
	path := filepath.Join(b.TempDir(), "back.hsm")
	b.StartTimer()
	plan, err := PlanRestore(f.ctx, path, manifests[0], &sealed, RestoreOptions{Identity: identity.Bytes()}, Options{})
	if err == nil {
		_, err = plan.Apply(f.ctx)
	}
	return err
}

// BenchmarkLogin is with the product's KDF: kdf-share is the part of a login
// that it takes. What is left is what a slow disk makes longer.
func BenchmarkLogin(b *testing.B) {
	f := newFull(b, 10)
	product := seal.KDF{Algorithm: seal.Argon2id, Memory: 64 * 1024, Time: 3, Threads: 4, Salt: seal.Random(16)}
	kek, err := product.Derive(pw(passAlice))
	f.ok(b, err)
	f.ok(b, f.im.update(f.ctx, func(c *change) error {
		l := &record.Login{User: f.alice.user.ID, Gen: 1, First: 1}
		if err := c.putLogin(l, f.alice.keys, &lock{kdf: product, kek: kek}, "alice"); err != nil {
			return err
		}
		return c.record(f.alice.entry(c, opChangeOwn))
	}))
	var kdf time.Duration
	for b.Loop() {
		began := time.Now()
		_, err := product.Derive(pw(passAlice))
		f.ok(b, err)
		kdf += time.Since(began)
		_, err = f.im.Login(f.ctx, Credentials{Username: "alice", Password: pw(passAlice)})
		f.ok(b, err)
	}
	login := b.Elapsed() - kdf
	b.ReportMetric(float64(kdf)/float64(login), "kdf-share")
}
