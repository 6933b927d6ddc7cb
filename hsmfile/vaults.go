package hsmfile

import (
	"context"
	"path/filepath"
	"slices"
	"time"

	"filehsm/hsmfile/internal/chain"
	"filehsm/hsmfile/internal/record"
)

// maxVaults and maxRecipients bound what a roster may grow by.
const (
	maxVaults     = 16
	maxRecipients = 16
)

// Vaults lists the image's vaults. Needs no login, and works in every state
// but uninitialized: a zeroized image knows where its backups are.
func (im *Image) Vaults(ctx context.Context) (all []VaultInfo, err error) {
	err = im.view(ctx, func(v *view) error {
		all, err = v.vaults()
		return err
	})
	return all, err
}

func (v *view) vaults() (all []VaultInfo, err error) {
	if State(v.h.State) == Uninitialized {
		return nil, nil
	}
	r, err := v.publicRoster()
	if err != nil {
		return nil, err
	}
	for _, x := range r.Vaults {
		info := VaultInfo{Name: x.Name, Location: x.Location, ID: x.ID, Recipients: x.Recipients}
		if info.LastBackup, err = v.backupMark(x.ID); err != nil {
			return nil, err
		}
		all = append(all, info)
	}
	return all, nil
}

// backupMark is the newest backup that this image knows a vault to have.
func (v *view) backupMark(vault string) (*BackupMark, error) {
	b, err := v.r.Get(record.BackupMarkKey(vault))
	if err != nil || b == nil {
		return nil, err
	}
	var m record.BackupMark
	err = record.Decode(b, &m)
	created := time.UnixMilli(m.Created).UTC()
	if err == nil && m.ID != backupID(v.h.Serial, m.Generation, created) {
		err = record.ErrMalformed // an id says the rest once more, which is as good as a checksum
	}
	if err != nil {
		return nil, v.im.damaged("mark of the last backup", err)
	}
	return &BackupMark{ID: m.ID, Created: created, Generation: m.Generation}, nil
}

// AddVault enters a vault in the roster. CO only: nobody else says where the
// backups go and who can open them.
func (s *Session) AddVault(ctx context.Context, info VaultInfo) error {
	if err := info.check(); err != nil {
		return err
	}
	return s.changeVaults(ctx, chain.AddVault, info.Name, func(r *record.Roster) error {
		if err := s.roomFor(r, info); err != nil {
			return err
		}
		r.Vaults = append(r.Vaults, record.Vault{Name: info.Name, Location: info.Location, ID: info.ID, Recipients: info.Recipients})
		return nil
	})
}

// MayAddVault says whether AddVault would take the vault, so that nothing is
// written into a directory for one that it refuses.
func (s *Session) MayAddVault(ctx context.Context, info VaultInfo) error {
	if err := info.check(); err != nil {
		return err
	}
	return s.read(ctx, opVault, func(v *view) error { return s.roomFor(s.roster.Roster, info) })
}

func (s *Session) roomFor(r *record.Roster, info VaultInfo) error {
	if r.VaultByName(info.Name) != nil {
		return refuse(ErrUsage, "choose another name, or filehsm vault remove "+info.Name, "%s: vault %q exists already", s.im.path, info.Name)
	}
	if len(r.Vaults) >= maxVaults {
		return refuse(ErrDenied, "filehsm vault remove NAME", "%s: an image has at most %d vaults", s.im.path, maxVaults)
	}
	for _, x := range r.Vaults {
		if x.ID == info.ID {
			return refuse(ErrUsage, "filehsm vault list shows it; filehsm vault remove "+x.Name+" takes it out", "%s: %s is vault %q already", s.im.path, info.Location, x.Name)
		}
	}
	return nil
}

// RemoveVault takes a vault out of the roster; what lies in it stays. CO only.
func (s *Session) RemoveVault(ctx context.Context, name string) error {
	return s.changeVaults(ctx, chain.RemoveVault, name, func(r *record.Roster) error {
		i := slices.IndexFunc(r.Vaults, func(x record.Vault) bool { return x.Name == name })
		if i < 0 {
			return refuse(ErrNotFound, "filehsm vault list shows the vaults", "%s: no vault %q", s.im.path, name)
		}
		r.Vaults = slices.Delete(r.Vaults, i, i+1)
		return nil
	})
}

func (s *Session) changeVaults(ctx context.Context, op chain.Opcode, name string, edit func(*record.Roster) error) error {
	return s.write(ctx, opVault, func(c *change) error {
		var refused error
		r, err := c.putRoster(s.roster, s.signer(), func(r *record.Roster) { refused = edit(r) })
		if refused != nil {
			return refused
		}
		if err := s.pin(c, r, err); err != nil {
			return err
		}
		e := s.entryAs(c, op)
		e.Subject = name
		if err := c.record(e); err != nil {
			return err
		}
		return c.signHead(s.author())
	})
}

// check bounds what is written into the roster.
func (info VaultInfo) check() error {
	if err := ValidateVaultName(info.Name); err != nil {
		return err
	}
	if !filepath.IsAbs(info.Location) || len(info.Location) > 1024 {
		return refuse(ErrUsage, "give the vault's directory", "invalid vault location %q", info.Location)
	}
	return CheckRecipients(info.Recipients)
}

// ValidateVaultName checks a vault's name: 1 to 31 characters, as a user's.
func ValidateVaultName(name string) error {
	if folded, err := ValidateUsername(name); err != nil || folded != name {
		return refuse(ErrUsage, "a vault's name is 1 to 31 lower-case letters, digits, '_', '-' or '.'", "invalid vault name %q", name)
	}
	return nil
}
