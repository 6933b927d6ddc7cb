package commands

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"filehsm/hsmfile"
	"filehsm/vault"
	"filehsm/vault/mem"
)

// A stuck vault gives the first bytes of each stream, and then whatever after
// says.
type stuck struct {
	vault.Vault
	after func() (int, error)
}

func (v *stuck) Open(context.Context, string) (io.ReadCloser, error) {
	return io.NopCloser(io.MultiReader(bytes.NewReader([]byte("age-encryption.org/v1\n")), readFunc(func([]byte) (int, error) { return v.after() }))), nil
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(b []byte) (int, error) { return f(b) }

// A vault that stops answering in the middle of a backup is given up, Ctrl-C
// ends the wait, and a disk that fails is no forged backup.
func TestInVault(t *testing.T) {
	released := make(chan struct{})
	defer close(released)
	hang := func() (int, error) { <-released; return 0, io.EOF }
	fault := errors.New("input/output error")
	identity := new(bytes.Buffer)
	if _, err := hsmfile.GenerateIdentity(identity, false, ""); err != nil {
		t.Fatal(err)
	}
	interrupted, cancel := context.WithCancel(t.Context())
	for name, tc := range map[string]struct {
		ctx   context.Context
		after func() (int, error)
		want  error
	}{
		"hung":        {t.Context(), hang, hsmfile.ErrNotFound},
		"interrupted": {interrupted, func() (int, error) { cancel(); return hang() }, context.Canceled},
		"failing":     {t.Context(), func() (int, error) { return 0, fault }, fault},
		"cut":         {t.Context(), func() (int, error) { return 0, io.EOF }, hsmfile.ErrIntegrity},
	} {
		t.Run(name, func(t *testing.T) {
			s := &stored{id: "1-2-20260102T030405678Z", place: testPlace("usb", &stuck{mem.New("usb"), tc.after}), manifest: testSpool(t).manifest}
			limit := time.Minute
			if name == "hung" {
				limit = 50 * time.Millisecond
			}
			_, err := inVault(tc.ctx, limit, s, func(file io.Reader) (*hsmfile.RestorePlan, error) {
				return hsmfile.PlanRestore(tc.ctx, "", s.manifest, file, hsmfile.RestoreOptions{Identity: identity.Bytes()}, hsmfile.Options{})
			})
			if !errors.Is(err, tc.want) || errors.Is(err, hsmfile.ErrIntegrity) != (tc.want == hsmfile.ErrIntegrity) {
				t.Errorf("%v, want %v", err, tc.want)
			}
		})
	}
}
