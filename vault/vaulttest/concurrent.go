package vaulttest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"filehsm/vault"
)

const goroutines = 8

// atOnce runs fn in goroutines and returns their errors.
func atOnce(fn func(i int) error) []error {
	errs := make([]error, goroutines)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = fn(i) })
	}
	wg.Wait()
	return errs
}

// contentOf is long enough for two writers to overlap.
func contentOf(i int) string { return strings.Repeat(fmt.Sprintf("writer %d\n", i), 20_000) }

func testManyAtOnce(t *testing.T, v vault.Vault) {
	var names []string
	for i := range goroutines {
		names = append(names, fmt.Sprintf("stream-%d", i))
	}
	errs := atOnce(func(i int) error {
		err := put(t.Context(), v, names[i], contentOf(i))
		_, listErr := v.List(t.Context())
		return errors.Join(err, listErr)
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	wantNames(t, v, names...)
	for i, name := range names {
		wantContent(t, v, name, contentOf(i))
	}
}

func testSameAtOnce(t *testing.T, v vault.Vault) {
	errs := atOnce(func(int) error { return put(t.Context(), v, "a", contentOf(0)) })
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	wantNames(t, v, "a")
	wantContent(t, v, "a", contentOf(0))
}

func testRivalsAtOnce(t *testing.T, v vault.Vault) {
	winner := -1
	for i, err := range atOnce(func(i int) error { return put(t.Context(), v, "a", contentOf(i)) }) {
		switch {
		case err == nil && winner >= 0:
			t.Fatalf("writers %d and %d both put their content under one name", winner, i)
		case err == nil:
			winner = i
		default:
			wantError(t, err, vault.ErrExists)
		}
	}
	if winner < 0 {
		t.Fatal("no writer won")
	}
	wantNames(t, v, "a")
	wantContent(t, v, "a", contentOf(winner))
}
