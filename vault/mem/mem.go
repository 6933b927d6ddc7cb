// Package mem is a vault in memory, for tests: real in all but durability.
package mem

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"filehsm/vault"
	"filehsm/vault/internal/ctxio"
)

// Vault is a vault in memory; make one with New.
type Vault struct {
	id      string
	mu      sync.Mutex
	streams map[string]stream
}

// stream is never changed once it is in the map, so readers need no lock.
type stream struct {
	data []byte
	when time.Time
}

var _ vault.Vault = (*Vault)(nil)

// New returns an empty vault with this id.
func New(id string) *Vault {
	return &Vault{id: id, streams: map[string]stream{}}
}

// ID returns the id given to New.
func (v *Vault) ID() string { return v.id }

// Put implements vault.Vault. It keeps no lock while it reads r.
func (v *Vault) Put(ctx context.Context, name string, r io.Reader, sum [sha256.Size]byte) error {
	if err := v.put(ctx, name, r, sum); err != nil {
		return fmt.Errorf("failed to put %q: %w", name, err)
	}
	return nil
}

func (v *Vault) put(ctx context.Context, name string, r io.Reader, sum [sha256.Size]byte) error {
	if err := vault.CheckName(name); err != nil {
		return err
	}
	data, err := io.ReadAll(ctxio.Reader(ctx, r))
	if err != nil {
		return err
	}
	if sha256.Sum256(data) != sum {
		return vault.ErrDiffers
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if old, ok := v.streams[name]; ok {
		if !bytes.Equal(old.data, data) {
			return vault.ErrExists
		}
		return nil
	}
	v.streams[name] = stream{data, time.Now()}
	return nil
}

// Open implements vault.Vault.
func (v *Vault) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.check(ctx, name); err != nil {
		return nil, fmt.Errorf("failed to open %q: %w", name, err)
	}
	r := bytes.NewReader(v.streams[name].data)
	return ctxio.ReadCloser(ctx, io.NopCloser(r)), nil
}

// List implements vault.Vault.
func (v *Vault) List(ctx context.Context) ([]vault.Stream, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("failed to list: %w", err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	var all []vault.Stream
	for _, name := range slices.Sorted(maps.Keys(v.streams)) {
		s := v.streams[name]
		all = append(all, vault.Stream{Name: name, Size: int64(len(s.data)), ModTime: s.when})
	}
	return all, nil
}

// Remove implements vault.Vault.
func (v *Vault) Remove(ctx context.Context, name string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.check(ctx, name); err != nil {
		return fmt.Errorf("failed to remove %q: %w", name, err)
	}
	delete(v.streams, name)
	return nil
}

// check says why there is no stream to open or remove; v.mu is held.
func (v *Vault) check(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := vault.CheckName(name); err != nil {
		return err
	}
	if _, ok := v.streams[name]; !ok {
		return vault.ErrNotFound
	}
	return nil
}
