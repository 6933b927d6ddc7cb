// Package vaulttest checks that a kind of vault keeps what package vault
// promises.
package vaulttest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"filehsm/vault"
)

// Run runs the suite. empty returns a new vault without streams, and cleans
// up after itself through t.
func Run(t *testing.T, empty func(t *testing.T) vault.Vault) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.run(t, empty(t)) })
	}
}

var cases = []struct {
	name string
	run  func(*testing.T, vault.Vault)
}{
	{"empty", testEmpty},
	{"round trip", testRoundTrip},
	{"large", testLarge},
	{"remove", testRemove},
	{"identical again", testIdentical},
	{"different again", testDifferent},
	{"bad names", testBadNames},
	{"missing", testMissing},
	{"failing reader", testFailingReader},
	{"another sum", testOtherSum},
	{"cancelled before", testCancelledBefore},
	{"cancelled in put", testCancelledInPut},
	{"cancelled in read", testCancelledInRead},
	{"read while removed", testReadWhileRemoved},
	{"many at once", testManyAtOnce},
	{"same at once", testSameAtOnce},
	{"rivals at once", testRivalsAtOnce},
}

func testEmpty(t *testing.T, v vault.Vault) {
	if v.ID() == "" {
		t.Error("the id is empty")
	}
	wantNames(t, v)
}

func testRoundTrip(t *testing.T, v vault.Vault) {
	content := map[string]string{"b.json": "{}", "a.age": "one", "C-1_x": "", "a": "two"}
	for name, text := range content {
		mustPut(t, v, name, text)
	}
	for name, text := range content {
		wantContent(t, v, name, text)
	}
	wantNames(t, v, "C-1_x", "a", "a.age", "b.json")
	list, err := v.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		if s.Size != int64(len(content[s.Name])) || s.ModTime.IsZero() {
			t.Errorf("List has %+v, want size %d and a time", s, len(content[s.Name]))
		}
	}
}

func testLarge(t *testing.T, v vault.Vault) {
	text := strings.Repeat("0123456789abcde\n", 5<<20/16) + "an odd end"
	mustPut(t, v, "large", text)
	wantContent(t, v, "large", text)
}

func testRemove(t *testing.T, v vault.Vault) {
	mustPut(t, v, "a", "one")
	mustPut(t, v, "b", "two")
	if err := v.Remove(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	wantNames(t, v, "b")
	mustPut(t, v, "a", "another content is fine now")
	wantNames(t, v, "a", "b")
}

func testIdentical(t *testing.T, v vault.Vault) {
	mustPut(t, v, "a", "one")
	mustPut(t, v, "a", "one")
	wantContent(t, v, "a", "one")
	wantNames(t, v, "a")
}

func testDifferent(t *testing.T, v vault.Vault) {
	mustPut(t, v, "a", "one")
	for _, other := range []string{"two", "", "one and more"} {
		wantError(t, put(t.Context(), v, "a", other), vault.ErrExists)
	}
	wantContent(t, v, "a", "one")
	wantNames(t, v, "a")
}

func testBadNames(t *testing.T, v vault.Vault) {
	for _, name := range BadNames {
		wantError(t, put(t.Context(), v, name, "x"), vault.ErrName)
		wantError(t, open(t.Context(), v, name), vault.ErrName)
		wantError(t, v.Remove(t.Context(), name), vault.ErrName)
	}
	longest := strings.Repeat("n", vault.MaxName)
	mustPut(t, v, longest, "x")
	wantNames(t, v, longest)
}

// BadNames are names that every vault refuses.
var BadNames = []string{
	"", ".", "..", ".hidden", "a/b", "../a", "/a", `a\b`, "a b", "a\n", "a\x00", "ä", "a:b", "a+b", "\xff",
	vault.IDFile, "VAULT.ID", vault.RestoreFile, "restore.TXT", strings.Repeat("n", vault.MaxName+1),
}

func testMissing(t *testing.T, v vault.Vault) {
	wantError(t, open(t.Context(), v, "a"), vault.ErrNotFound)
	wantError(t, v.Remove(t.Context(), "a"), vault.ErrNotFound)
}

func testFailingReader(t *testing.T, v vault.Vault) {
	boom := errors.New("boom")
	r := io.MultiReader(bytes.NewReader(make([]byte, 1<<20)), iotest.ErrReader(boom))
	wantError(t, v.Put(t.Context(), "a", r, sha256.Sum256(nil)), boom)
	wantNames(t, v)
	mustPut(t, v, "a", "the name is free")
}

func testOtherSum(t *testing.T, v vault.Vault) {
	mustPut(t, v, "a", "one")
	for _, name := range []string{"a", "b"} {
		wantError(t, v.Put(t.Context(), name, strings.NewReader("two"), sha256.Sum256([]byte("one"))), vault.ErrDiffers)
	}
	wantNames(t, v, "a")
	wantContent(t, v, "a", "one")
}

func testCancelledBefore(t *testing.T, v vault.Vault) {
	mustPut(t, v, "a", "one")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := v.List(ctx)
	for _, err := range []error{err, put(ctx, v, "b", "x"), open(ctx, v, "a"), v.Remove(ctx, "a")} {
		wantError(t, err, context.Canceled)
	}
	wantNames(t, v, "a")
}

func testCancelledInPut(t *testing.T, v vault.Vault) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	endless := readFunc(func(p []byte) (int, error) {
		cancel()
		return len(p), nil
	})
	wantError(t, v.Put(ctx, "a", endless, sha256.Sum256(nil)), context.Canceled)
	wantNames(t, v)
}

func testCancelledInRead(t *testing.T, v vault.Vault) {
	mustPut(t, v, "a", "one")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := v.Open(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cancel()
	_, err = io.ReadAll(r)
	wantError(t, err, context.Canceled)
}

func testReadWhileRemoved(t *testing.T, v vault.Vault) {
	mustPut(t, v, "a", "one")
	r, err := v.Open(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := v.Remove(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	// The old bytes or an error, but never others and never fewer.
	if got, err := io.ReadAll(r); err == nil && string(got) != "one" {
		t.Errorf("read %q, want %q", got, "one")
	}
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }
