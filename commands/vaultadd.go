package commands

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"filehsm/hsmfile"
	"filehsm/vault"
	"filehsm/vault/dir"
)

func vaultAddLeaf() leaf {
	return leaf{
		name:    "add",
		usage:   "make a directory a vault, and backups go there from now on",
		args:    "NAME DIR",
		example: "filehsm vault add usb /mnt/usb/hsm --recipient age1y8m84r6pwd4da5d45zzk03rlgv2xr7fn9px80suw3psrahul44ashl0usm",
		flags:   []flag{eachFlag("recipient", "AGE1...", "who can open the backups; may be repeated")},
		run:     vaultAdd,
	}
}

// vaultAdd goes from the directory to the roster: killed in between, the
// directory has its id and the same line, typed again, goes on with it.
//
//  1. everything that can be refused is, before anything is written
//  2. the directory gets its id file and RESTORE.txt
//  3. the roster names the vault
func vaultAdd(c *call) (*Result, error) {
	info, err := c.newVault()
	if err != nil {
		return nil, err
	}
	s, err := c.act()
	if err != nil {
		return nil, err
	}
	if info.ID, err = c.vaultID(s.Image(), info); err != nil {
		return nil, err
	}
	if err := s.MayAddVault(c.ctx, info); err != nil {
		return nil, err
	}
	text := hsmfile.RestoreText(s.Image().Info(), info)
	_, err = within(c.ctx, lookLimit, func(context.Context) (*dir.Vault, error) { return dir.Init(info.Location, info.ID, text) })
	if err != nil {
		return nil, notMade(info, err)
	}
	if err := s.AddVault(c.ctx, info); err != nil {
		return nil, err
	}
	c.warnSameDisk(s.Image(), info)
	return &Result{
		Data: append(object{{"image", s.Image().Path()}}, vaultObject(info)...),
		View: note(fmt.Sprintf("%s: vault %q is %s, for %s", s.Image().Path(), info.Name, info.Location, counted(len(info.Recipients), "recipient"))),
		Next: c.line("backup create"),
	}, nil
}

// newVault is what the line says, checked as far as that goes without a login.
func (c *call) newVault() (hsmfile.VaultInfo, error) {
	info := hsmfile.VaultInfo{Name: c.Arg(0), Recipients: c.Words("recipient")}
	if err := hsmfile.ValidateVaultName(info.Name); err != nil {
		return info, err
	}
	if err := hsmfile.CheckRecipients(info.Recipients); err != nil {
		return info, about("--recipient", "", err)
	}
	location, err := filepath.Abs(c.Arg(1))
	if err != nil {
		return info, err
	}
	info.Location = location
	found, err := os.Stat(location)
	if err == nil && !found.IsDir() {
		return info, refusal(hsmfile.ErrNotFound, "name a directory for it", "%s is no directory; a vault is one", location)
	}
	if err != nil {
		return info, refusal(hsmfile.ErrNotFound, "mount the disk, or make the directory: mkdir "+shellQuoted(location),
			"no directory %s to make a vault of; it is never made here, for a missing one is mostly a missing disk", location)
	}
	return info, nil
}

// vaultID is a new id, or the directory's own if it is this image's vault
// already: left by a killed vault add, moved, or taken out of the roster.
func (c *call) vaultID(im *hsmfile.Image, info hsmfile.VaultInfo) (string, error) {
	p := openPlace(c.ctx, hsmfile.VaultInfo{Location: info.Location}, lookLimit)
	if errors.Is(p.err, vault.ErrNotMounted) {
		return vault.NewID(), nil
	}
	if p.err != nil {
		return "", p.err
	}
	return p.vault.ID(), c.ofThisImage(p, im)
}

// ofThisImage refuses the vault of another HSM: two in one directory could
// not be told apart by whoever finds the disk.
func (c *call) ofThisImage(p *place, im *hsmfile.Image) error {
	foreign := refusal(hsmfile.ErrIntegrity, "choose an empty directory", "%s is a vault of another HSM than %s", p.info.Location, im.Path())
	all := readAll(c.ctx, []*place{p})
	if p.err != nil {
		return p.err
	}
	for _, s := range all {
		if s.serial != im.Info().Serial || s.manifest != nil && s.manifest.ImageID != im.ID() {
			return foreign
		}
	}
	v, ok := p.vault.(*dir.Vault)
	if !ok {
		return nil
	}
	text, err := within(c.ctx, lookLimit, v.RestoreText)
	if err != nil {
		return p.refused(err)
	}
	if text != nil && !im.Info().OfRestoreText(text) {
		return foreign
	}
	return nil
}

func notMade(info hsmfile.VaultInfo, err error) error {
	if errors.Is(err, vault.ErrNotEmpty) {
		return refusal(hsmfile.ErrNotFound, "choose an empty directory: mkdir "+shellQuoted(filepath.Join(info.Location, "hsm")), "%v", err)
	}
	return (&place{info: info}).refused(err)
}

// warnSameDisk: a vault beside its image is lost with it.
func (c *call) warnSameDisk(im *hsmfile.Image, info hsmfile.VaultInfo) {
	if same, err := dir.SameFilesystem(info.Location, im.Path()); err == nil && same {
		c.Warn("%s is on the same file system as %s: one disk failure takes both; add a second vault elsewhere", info.Location, im.Path())
	}
}

// counted is a number with its noun.
func counted(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
