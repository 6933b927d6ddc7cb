package commands

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"filehsm/hsmfile"
)

func backupCreateLeaf() leaf {
	return leaf{
		name:  "create",
		usage: "back up the whole image to its vaults (AU or CO)",
		example: "filehsm backup create --as robot --password-file robot.pw\n" +
			"filehsm backup create --vault usb",
		flags: []flag{vaultFlag("only to this vault; may be repeated"), vaultTimeoutFlag()},
		run:   backupCreate,
	}
}

// backupCreate joins the image and the vaults:
//
//  1. the newest backup in each vault must be one of this image's past: an
//     older copy of the image must not put its backups over newer ones
//  2. the login, and the backup's begin in the audit chain
//  3. a snapshot, encrypted into a private spool; the image is released
//  4. every vault takes the spool, each on its own
//  5. the image records who took it
//  6. a vault whose RESTORE.txt is gone gets it again
func backupCreate(c *call) (*Result, error) {
	im, err := c.openImage()
	if err != nil {
		return nil, err
	}
	places, err := c.placesToFill(im)
	if err != nil {
		return nil, err
	}
	dir, err := c.spoolDir()
	if err != nil {
		return nil, err
	}
	s, err := c.actOn(im, "")
	if err != nil {
		return nil, err
	}
	b, err := s.BeginBackup(c.ctx)
	if err != nil {
		return nil, err
	}
	spools, err := c.spool(b, places, dir)
	if err != nil {
		return nil, err
	}
	took, failed := fill(c.ctx, c.vaultTimeout(), places, spools)
	m := spools[0].manifest
	err = s.FinishBackup(context.WithoutCancel(c.ctx), b, took, failed) // also after Ctrl-C: some vaults have it
	if err != nil {
		err = about("backup "+m.ID+" is in "+inWords(took)+", but the image could not record it", "", err)
	} else if len(failed) > 0 {
		err = notAll(m, places, failed)
	}
	c.mendRestoreTexts(im, places)
	return backupMade(im, m, places, took), err
}

// placesToFill opens the vaults and refuses a rolled-back image. All vaults are
// asked, also where only one is to get the backup: any of them may know better.
// A vault that cannot be looked into stays in the list, with its error.
func (c *call) placesToFill(im *hsmfile.Image) ([]*place, error) {
	if im.Info().State == hsmfile.Uninitialized {
		return nil, refusal(hsmfile.ErrState, "filehsm activate --username admin", "%s: image is %s", im.Path(), im.Info().State)
	}
	if _, err := c.vaultsOf(im); err != nil {
		return nil, err
	}
	all, err := im.Vaults(c.ctx)
	if err != nil {
		return nil, err
	}
	places := openPlaces(c.ctx, all, min(lookLimit, c.vaultTimeout()))
	for _, p := range places {
		if p.err == nil {
			if err := c.continues(im, p); err != nil {
				return nil, err
			}
		}
	}
	return slices.DeleteFunc(places, func(p *place) bool {
		return c.Given("vault") && !slices.Contains(c.Words("vault"), p.info.Name)
	}), nil
}

// continues checks a vault's newest backup against the image's chain.
func (c *call) continues(im *hsmfile.Image, p *place) error {
	newest, err := c.newest(p, im)
	switch {
	case errors.Is(err, hsmfile.ErrState), errors.Is(err, context.Canceled):
		return err
	case err != nil: // what cannot be read cannot be compared, so it gets no backup
		p.err = err
		return nil
	case newest == nil:
		return nil
	}
	if err := im.CheckManifest(c.ctx, newest.manifest); err != nil {
		return about(im.Path()+": "+p.what(), "", err)
	}
	return nil
}

// backupMade is the result, of which an incomplete backup has one as well.
func backupMade(im *hsmfile.Image, m *hsmfile.Manifest, places []*place, took []string) *Result {
	vaults := []object{}
	for _, p := range places {
		o := object{{"name", p.info.Name}, {"location", p.info.Location}, {"taken", p.err == nil}}
		if p.err != nil {
			o = append(o, member{"error", plain(p.err.Error())})
		}
		vaults = append(vaults, o)
	}
	r := &Result{Data: object{{"image", im.Path()}, {"id", m.ID}, {"created", m.Created}, {"serial", m.Serial},
		{"generation", m.Generation}, {"key-count", m.KeyCount}, {"user-count", m.UserCount}, {"vaults", vaults}}}
	if len(took) > 0 {
		r.View = note(fmt.Sprintf("%s: backup %s with %s is in %s", im.Path(), m.ID, counted(m.KeyCount, "key"), inWords(took)))
	}
	return r
}

// notAll names each vault that has not got the backup, and why.
func notAll(m *hsmfile.Manifest, places []*place, failed []string) error {
	var why []string
	for _, p := range places {
		if p.err != nil {
			why = append(why, p.err.Error())
		}
	}
	again := whatHelps(places) + ", then repeat: filehsm backup create"
	for _, name := range failed {
		again += " --vault " + name
	}
	have := "no vault"
	if n := len(places) - len(failed); n > 0 {
		have = fmt.Sprintf("only %d of %s", n, counted(len(places), "vault"))
	}
	return partialError(again, "%s took backup %s: %s", have, m.ID, strings.Join(why, "; "))
}

// whatHelps is what to do about vaults that did not take a backup.
func whatHelps(places []*place) string {
	for _, p := range places {
		if hsmfile.NoRoom(p.err) {
			return "free some space in the vault (an old backup is two files, NAME.age and NAME.json)"
		}
	}
	return "see that the right disk is there and writable"
}

// inWords is a list of vaults in a sentence.
func inWords(names []string) string {
	var all []string
	for _, n := range names {
		all = append(all, quoted(n))
	}
	switch len(all) {
	case 0:
		return "no vault"
	case 1:
		return "vault " + all[0]
	}
	return "vaults " + strings.Join(all, ", ")
}
