package commands

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"filehsm/hsmfile"
	"filehsm/vault"
	"filehsm/vault/mem"
)

// A faulty vault lets a test step into a put: refuse is called with the name
// before anything is stored.
type faulty struct {
	vault.Vault
	refuse func(ctx context.Context, name string) error
}

func (f *faulty) Put(ctx context.Context, name string, r io.Reader, sum [sha256.Size]byte) error {
	if err := f.refuse(ctx, name); err != nil {
		return err
	}
	return f.Vault.Put(ctx, name, r, sum)
}

func testSpool(t *testing.T) *spool {
	t.Helper()
	text := []byte("age-encryption.org/v1 and so on")
	path := filepath.Join(t.TempDir(), "0.age")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	return &spool{path: path, recipients: []string{"age1a", "age1b"},
		manifest: &hsmfile.Manifest{ID: "1-2-20260102T030405678Z", Size: int64(len(text)), SHA256: hex.EncodeToString(sum[:])}}
}

func testPlace(name string, v vault.Vault) *place {
	return &place{info: hsmfile.VaultInfo{Name: name, Location: "/mnt/" + name, Recipients: []string{"age1b", "age1a"}}, vault: v}
}

func names(t *testing.T, v vault.Vault) (all []string) {
	t.Helper()
	streams, err := v.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range streams {
		all = append(all, s.Name)
	}
	return all
}

// One vault hangs and does not listen, one is slow, one is full, one can no more
// be written when the manifest comes: the good one has its backup all the same,
// and no other has a manifest. In a bubble the time is over when nobody has anything
// left to do, so a busy machine makes none late.
func TestFill(t *testing.T) { synctest.Test(t, testFill) }

func testFill(t *testing.T) {
	s := testSpool(t)
	released := make(chan struct{})
	defer close(released)
	vaults := map[string]vault.Vault{
		"good": mem.New("good"),
		"hung": &faulty{mem.New("hung"), func(context.Context, string) error { <-released; return nil }},
		"full": &faulty{mem.New("full"), func(context.Context, string) error { return syscall.ENOSPC }},
		"late": &faulty{mem.New("late"), func(_ context.Context, name string) error {
			if strings.HasSuffix(name, manifestSuffix) {
				return syscall.EROFS
			}
			return nil
		}},
		"slow": &faulty{mem.New("slow"), func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }},
	}
	order := []string{"full", "good", "hung", "late", "slow"}
	var places []*place
	for _, name := range order {
		places = append(places, testPlace(name, vaults[name]))
	}
	away := &place{info: hsmfile.VaultInfo{Name: "away"}, err: vault.ErrNotMounted}
	took, failed := fill(t.Context(), time.Minute, append(places, away), []*spool{s})
	if !slices.Equal(took, []string{"good"}) || !slices.Equal(failed, []string{"full", "hung", "late", "slow", "away"}) {
		t.Errorf("took %v, failed %v", took, failed)
	}
	for i, want := range []error{syscall.ENOSPC, nil, errNoAnswer, syscall.EROFS, errNoAnswer} {
		if !errors.Is(places[i].err, want) {
			t.Errorf("%s: %v", order[i], places[i].err)
		}
	}
	if got := names(t, vaults["good"]); !slices.Equal(got, []string{s.manifest.ID + ageSuffix, s.manifest.ID + manifestSuffix}) {
		t.Errorf("the good vault has %v", got)
	}
	for _, name := range []string{"full", "late", "slow"} {
		if got := names(t, vaults[name]); len(got) > 0 {
			t.Errorf("vault %q has %v", name, got)
		}
	}
}

// A spool that is not what the manifest says is no backup anywhere.
func TestFillComparesWithTheManifest(t *testing.T) {
	s := testSpool(t)
	s.manifest.SHA256 = strings.Repeat("0", 64)
	p := testPlace("usb", mem.New("usb"))
	if took, _ := fill(t.Context(), time.Minute, []*place{p}, []*spool{s}); len(took) > 0 || !errors.Is(p.err, vault.ErrDiffers) {
		t.Errorf("took %v, %v", took, p.err)
	}
	if got := names(t, p.vault); len(got) > 0 {
		t.Errorf("it left %v", got)
	}
}

// Ctrl-C ends the wait for every vault.
func TestFillInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	v := &faulty{mem.New("usb"), func(ctx context.Context, _ string) error { cancel(); <-ctx.Done(); return ctx.Err() }}
	p := testPlace("usb", v)
	fill(ctx, time.Hour, []*place{p}, []*spool{testSpool(t)})
	if !errors.Is(p.err, context.Canceled) {
		t.Error(p.err)
	}
}
