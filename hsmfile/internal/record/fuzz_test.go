package record_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"testing"

	"filehsm/hsmfile"
	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/internal/filestore"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/seal"
	"filehsm/hsmfile/internal/store"
	"filehsm/hsmfile/secret"
)

// shapes is every record that Decode reads from an image or a backup.
var shapes = []func() any{
	func() any { return new(record.SignedRoster) }, func() any { return new(record.Roster) },
	func() any { return new(record.Login) }, func() any { return new(record.Public) },
	func() any { return new(record.Pins) }, func() any { return new(record.SealedOwn) },
	func() any { return new(record.Left) }, func() any { return new(record.Key) },
	func() any { return new(record.PubObj) }, func() any { return new(record.Object) },
	func() any { return new(record.Holdings) }, func() any { return new(record.Counter) },
	func() any { return new(record.Session) }, func() any { return new(record.BackupMark) },
	func() any { return new(record.Head) },
}

// image is the records of a real one.
func image(f *testing.F) (all [][2][]byte) {
	f.Helper()
	seal.UseCheapKDF()
	ctx, path := context.Background(), filepath.Join(f.TempDir(), "x.hsm")
	fatal := func(err error) {
		if err != nil {
			f.Fatal(err)
		}
	}
	pw := func(s string) *secret.Bytes { return secret.New([]byte(s)) }
	im, err := hsmfile.Create(ctx, path, hsmfile.CreateSpec{Label: "x"}, hsmfile.Options{})
	fatal(err)
	co, err := im.Activate(ctx, "admin", pw("correct officer words"))
	fatal(err)
	fatal(co.CreateUser(ctx, "alice", hsmfile.CU, pw("alice in the house")))
	alice, err := im.Login(ctx, hsmfile.Credentials{Username: "alice", Password: pw("alice in the house")})
	fatal(err)
	_, _, err = alice.GeneratePair(ctx, hsmfile.PairSpec{Type: attr.EC, Curve: "secp256r1", PublicLabel: "p"})
	fatal(err)
	_, err = alice.Persist(ctx, hsmfile.DefaultTTL)
	fatal(err)
	s, err := filestore.Open(path, filestore.Options{})
	fatal(err)
	fatal(s.View(ctx, func(r store.Reader) error {
		return r.Scan("", "", func(key string, b []byte) error {
			all = append(all, [2][]byte{[]byte(key), bytes.Clone(b)})
			return nil
		})
	}))
	return all
}

// FuzzDecode: what any shape takes is written again byte for byte.
func FuzzDecode(f *testing.F) {
	for _, x := range image(f) {
		f.Add(x[1])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, shape := range shapes {
			v := shape()
			if err := record.Decode(b, v); err != nil {
				if !errors.Is(err, record.ErrMalformed) {
					t.Errorf("an error of no type: %v", err)
				}
			} else if again := record.Encode(v); !bytes.Equal(again, b) {
				t.Errorf("%T: %x is written again as %x", v, b, again)
			}
		}
		if c, err := record.DecodeCounter(b); err == nil && !bytes.Equal(record.EncodeCounter(c), b) {
			t.Errorf("counter: %x is written again as %x", b, record.EncodeCounter(c))
		}
	})
}

// FuzzHeader gives the fuzzer a checksum, which it would not guess.
func FuzzHeader(f *testing.F) {
	for _, x := range image(f) {
		if string(x[0]) == record.HeaderKey() {
			body, err := record.OpenEnvelope("filehsm-image", x[1])
			if err != nil {
				f.Fatal(err)
			}
			f.Add(x[1])
			f.Add(body)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, b := range [][]byte{b, record.Envelope("filehsm-image", b)} {
			h, err := record.DecodeHeader(b)
			if err != nil {
				if !errors.Is(err, record.ErrMalformed) && !errors.Is(err, record.ErrFuture) {
					t.Errorf("an error of no type: %v", err)
				}
			} else if again := record.EncodeHeader(h); !bytes.Equal(again, b) {
				t.Errorf("%x is written again as %x", b, again)
			}
		}
	})
}

// FuzzNames: whatever a store key is, taking it apart does not panic, and what
// is taken apart is put together again.
func FuzzNames(f *testing.F) {
	for _, x := range image(f) {
		f.Add(string(x[0]))
	}
	f.Fuzz(func(t *testing.T, key string) {
		set, n, ok := record.SetOf(key)
		if !ok {
			return
		}
		if record.SetPrefix(set)+string(n) != key {
			t.Errorf("%x is put together as %x", key, record.SetPrefix(set)+string(n))
		}
		record.RefOf(n)
		if user, gen, verifier, ok := record.ParsePublicName(n); ok && record.PublicName(user, gen, verifier) != n {
			t.Errorf("%x is put together as %x", n, record.PublicName(user, gen, verifier))
		}
	})
}
