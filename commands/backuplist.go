package commands

import (
	"fmt"

	"filehsm/hsmfile"
)

func backupListLeaf() leaf {
	return leaf{
		name:    "list",
		usage:   "list the backups in the vaults, newest first",
		example: "filehsm backup list\nfilehsm backup list --from /mnt/usb/hsm",
		flags:   []flag{vaultFlag("only of this vault; may be repeated"), fromFlag()},
		run:     backupList,
	}
}

// backupList does the cheap checks: the manifest is whole and signed by a
// user of this image, and the age file is there in its size. Reading all
// bytes is for backup verify.
func backupList(c *call) (*Result, error) {
	im, places, err := c.sources()
	if err != nil {
		return nil, err
	}
	all := readAll(c.ctx, places)
	c.warnAlone(places)
	if err := c.checkSigned(im, all); err != nil {
		return nil, err
	}
	objects := []object{}
	for i := range all {
		objects = append(objects, all[i].object())
	}
	if im != nil {
		c.warnOfProblems(all)
	} else if len(all) > 0 {
		c.Warn("no image here knows who signed these; backup restore finds out, and backup verify with --identity")
	}
	err = c.unreachable(places)
	if err != nil && len(all) == 0 {
		return nil, err
	}
	return &Result{Data: object{{"backups", objects}}, View: backupGrid(all, "signed")}, err
}

// checkSigned compares manifests with the users that the image's audit chain
// vouches for.
func (c *call) checkSigned(im *hsmfile.Image, all []stored) error {
	if im == nil {
		for i := range all {
			if all[i].problem == nil {
				all[i].unknown = true
				all[i].problem = refusal(hsmfile.ErrIntegrity, "", "backup %s: no image here knows its signer", all[i].id)
			}
		}
		return nil
	}
	var manifests []*hsmfile.Manifest
	var at []int
	for i := range all {
		if all[i].manifest != nil {
			manifests, at = append(manifests, all[i].manifest), append(at, i)
		}
	}
	found, err := im.VerifyManifests(c.ctx, manifests)
	if err != nil {
		return err
	}
	for i, problem := range found {
		if s := &all[at[i]]; s.problem == nil {
			s.problem = problem
		}
	}
	return nil
}

func (c *call) warnOfProblems(all []stored) {
	for _, s := range all {
		if s.problem != nil {
			c.Warn("%s: %v", s.place.what(), s.problem)
		}
	}
}

// object is a backup in JSON. Of a damaged one the counts are unknown.
func (s *stored) object() object {
	o := object{{"id", s.id}, {"vault", s.place.label()}, {"created", stamp(s.created)}, {"serial", s.serial},
		{"generation", nil}, {"key-count", nil}, {"size", max(s.size, 0)}, {"verified", s.problem == nil}}
	if m := s.manifest; m != nil {
		o[4].value, o[5].value = m.Generation, m.KeyCount
	}
	if s.problem != nil {
		o = append(o, member{"problem", plain(s.problem.Error())})
	}
	return o
}

// backupGrid is a table of backups; checked says what a yes stands for.
func backupGrid(all []stored, checked string) grid {
	table := grid{columns: []string{"created", "vault", "keys", "size", checked, "id"}, empty: "no backups yet: filehsm backup create"}
	for _, s := range all {
		keys, verified := "?", "no"
		if s.manifest != nil {
			keys = fmt.Sprint(s.manifest.KeyCount)
		}
		switch {
		case s.unknown:
			verified = "?"
		case s.problem == nil:
			verified = "yes"
		}
		table.rows = append(table.rows, []string{shown(s.created), s.place.label(), keys, fmt.Sprint(max(s.size, 0)), verified, s.id})
	}
	return table
}
