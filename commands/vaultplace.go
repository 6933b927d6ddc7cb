package commands

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"filehsm/hsmfile"
	"filehsm/vault"
	"filehsm/vault/dir"
)

// A place is a vault as one command finds it: where it should be, and what is
// there.
type place struct {
	info  hsmfile.VaultInfo // Name is "" for a directory that --from names
	vault vault.Vault       // nil if it cannot be used
	err   error             // why

	alone []string // age files without a manifest, as of the last look
	held  uint64   // generation of the newest backup that is there, no later than the last that it took; as of lookForLast
}

// label is the vault's name, or the directory that was named in its place.
func (p *place) label() string {
	if p.info.Name != "" {
		return p.info.Name
	}
	return p.info.Location
}

// what is the label in a sentence.
func (p *place) what() string {
	if p.info.Name != "" {
		return "vault " + quoted(p.info.Name)
	}
	return p.info.Location
}

// where is the label with the directory.
func (p *place) where() string {
	if p.info.Name != "" {
		return "vault " + quoted(p.info.Name) + " at " + p.info.Location
	}
	return p.info.Location
}

// vaultFlag names vaults of the image.
func vaultFlag(usage string) flag { return eachFlag("vault", "NAME", usage) }

// fromFlag names a directory instead, where the image does not know it.
func fromFlag() flag {
	return textFlag("from", "DIR", "a vault's directory, also on a machine without the image")
}

// vaultsOf are the image's vaults that --vault names, or all of them.
func (c *call) vaultsOf(im *hsmfile.Image) ([]hsmfile.VaultInfo, error) {
	all, err := im.Vaults(c.ctx)
	if err != nil {
		return nil, err
	}
	names := c.Words("vault")
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return nil, usageError("", "--vault %s is given twice", name)
		}
		if !slices.ContainsFunc(all, func(x hsmfile.VaultInfo) bool { return x.Name == name }) {
			return nil, noVault(im, name, all)
		}
	}
	if len(all) == 0 {
		return nil, refusal(hsmfile.ErrNotFound, "filehsm vault keygen --identity FILE, then filehsm vault add NAME DIR --recipient age1...",
			"%s: the image has no vault", im.Path())
	}
	if len(names) == 0 {
		return all, nil
	}
	return slices.DeleteFunc(all, func(x hsmfile.VaultInfo) bool { return !slices.Contains(names, x.Name) }), nil
}

func noVault(im *hsmfile.Image, name string, all []hsmfile.VaultInfo) error {
	hint := "filehsm vault add " + name + " DIR --recipient age1..."
	if len(all) > 0 {
		var have []string
		for _, x := range all {
			have = append(have, x.Name)
		}
		hint = "one of: " + strings.Join(have, ", ")
	}
	return refusal(hsmfile.ErrNotFound, hint, "%s: no vault %q", im.Path(), name)
}

// openPlaces looks at all vaults at once, so that a dead one costs its own
// time only.
func openPlaces(ctx context.Context, all []hsmfile.VaultInfo, limit time.Duration) []*place {
	places := make([]*place, len(all))
	var wait sync.WaitGroup
	for i, info := range all {
		wait.Go(func() { places[i] = openPlace(ctx, info, limit) })
	}
	wait.Wait()
	return places
}

// openPlace opens a vault by its id; without an id any vault will do.
func openPlace(ctx context.Context, info hsmfile.VaultInfo, limit time.Duration) *place {
	p := &place{info: info}
	v, err := within(ctx, limit, func(context.Context) (*dir.Vault, error) {
		if info.ID == "" {
			return dir.OpenAny(info.Location)
		}
		return dir.Open(info.Location, info.ID)
	})
	if err != nil {
		p.err = p.refused(err)
		return p
	}
	p.vault, p.info.ID = v, v.ID()
	return p
}

// refused gives an error of a vault its kind and a word on what to do.
func (p *place) refused(err error) error {
	e := &hsmfile.Error{Text: p.where(), Err: err}
	if inner := errors.Unwrap(err); inner != nil { // the vault's own sentence begins with the directory again
		e.Err = inner
	}
	switch {
	case errors.Is(err, vault.ErrNotMounted) && p.info.Name == "":
		e.Kind, e.Hint = hsmfile.ErrNotFound, "name the directory with the files vault.id, *.age and *.json"
	case errors.Is(err, vault.ErrNotMounted), errors.Is(err, errNoAnswer):
		e.Kind, e.Hint = hsmfile.ErrNotFound, "mount it and repeat; if it has moved: filehsm vault remove, then filehsm vault add with the new directory"
	case errors.Is(err, vault.ErrOtherVault):
		e.Kind, e.Hint = hsmfile.ErrNotFound, "another disk is there; filehsm vault list shows where each vault belongs"
	case errors.Is(err, syscall.EROFS):
		e.Kind, e.Hint = hsmfile.ErrDenied, "the file system is read-only: mount it for writing"
	case errors.Is(err, fs.ErrPermission):
		e.Kind, e.Hint = hsmfile.ErrDenied, "run this as a user who may read and write that directory, or give it to him"
	case errors.Is(err, vault.ErrMalformed):
		e.Kind, e.Hint = hsmfile.ErrIntegrity, "the file vault.id or a backup in it was edited, or is of a newer version"
	}
	return e
}
