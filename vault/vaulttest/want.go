package vaulttest

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"filehsm/vault"
)

func put(ctx context.Context, v vault.Vault, name, text string) error {
	return v.Put(ctx, name, strings.NewReader(text), sha256.Sum256([]byte(text)))
}

func mustPut(t *testing.T, v vault.Vault, name, text string) {
	t.Helper()
	if err := put(t.Context(), v, name, text); err != nil {
		t.Fatal(err)
	}
}

func open(ctx context.Context, v vault.Vault, name string) error {
	r, err := v.Open(ctx, name)
	if err == nil {
		r.Close()
	}
	return err
}

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got error %v, want %v", err, want)
	}
}

func wantContent(t *testing.T, v vault.Vault, name, want string) {
	t.Helper()
	r, err := v.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%q holds %d bytes, not the %d that were put", name, len(got), len(want))
	}
}

func wantNames(t *testing.T, v vault.Vault, want ...string) {
	t.Helper()
	list, err := v.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range list {
		got = append(got, s.Name)
	}
	if !slices.Equal(got, want) {
		t.Errorf("List has %q, want %q", got, want)
	}
}
