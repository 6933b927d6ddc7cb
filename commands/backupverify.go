package commands

import (
	"errors"
	"fmt"

	"filehsm/hsmfile"
)

func backupVerifyLeaf() leaf {
	return leaf{
		name:  "verify",
		usage: "read backups to the last byte; with --identity also open them",
		example: "filehsm backup verify\n" +
			"filehsm backup verify --vault usb --identity key.txt",
		flags: []flag{vaultFlag("only of this vault; may be repeated"), fromFlag(), backupFlag("only this one, by its id"),
			identityFlag("also decrypt and check every record, with this age identity"), trustFlag(), vaultTimeoutFlag()},
		run: backupVerify,
	}
}

func backupFlag(usage string) flag { return textFlag("backup", "ID", usage) }

func trustFlag() flag {
	return textFlag("trust", "FINGERPRINT", "the HSM to trust, where neither an image nor the identity's comment tells")
}

func backupVerify(c *call) (*Result, error) {
	identity, err := c.identity()
	if err != nil {
		return nil, err
	}
	im, places, err := c.sources()
	if err != nil {
		return nil, err
	}
	all := readAll(c.ctx, places)
	c.warnAlone(places)
	all, err = c.pick(all, places)
	if err != nil {
		return nil, err
	}
	v := c.newVerifier(im, identity)
	switch {
	case im != nil:
		if err := c.checkSigned(im, all); err != nil {
			return nil, err
		}
	case identity == nil:
		c.Warn("no image here knows who signed these, only damage is looked for; with --identity they are checked to the last record")
	}
	for i := range all {
		if err := v.verify(&all[i]); err != nil {
			return nil, err
		}
	}
	return verified(all), firstOf(c.notVerified(all), anyUnreachable(places))
}

// anyUnreachable is the refusal of a vault that could not be read: what was
// not looked at is not verified, whatever the others hold.
func anyUnreachable(places []*place) error {
	for _, p := range places {
		if p.err != nil {
			return p.err
		}
	}
	return nil
}

// pick leaves the backup that --backup names; none at all is an error as well.
func (c *call) pick(all []stored, places []*place) ([]stored, error) {
	id := c.Text("backup")
	var picked []stored
	for _, s := range all {
		if id == "" || s.id == id {
			picked = append(picked, s)
		}
	}
	if len(picked) > 0 {
		return picked, nil
	}
	if err := c.unreachable(places); err != nil {
		return nil, err
	}
	if id != "" {
		return nil, refusal(hsmfile.ErrNotFound, "filehsm backup list shows the ids", "no backup %s in %s", id, placesInWords(places))
	}
	return nil, refusal(hsmfile.ErrNotFound, "is it the right vault? filehsm backup create makes a backup of an image that is in use", "no backup in %s", placesInWords(places))
}

func placesInWords(places []*place) string {
	if len(places) == 1 {
		return places[0].what()
	}
	var names []string
	for _, p := range places {
		names = append(names, p.label())
	}
	return inWords(names)
}

// A verifier reads backups to the end.
type verifier struct {
	*call
	identity []byte
	trust    string
}

func (c *call) newVerifier(im *hsmfile.Image, identity []byte) *verifier {
	v := &verifier{call: c, identity: identity, trust: c.Text("trust")}
	if im != nil {
		v.trust = im.Info().Fingerprint
	}
	return v
}

// verify notes a backup's problem; an error is that of the command itself.
func (v *verifier) verify(s *stored) error {
	switch {
	case errors.Is(s.problem, hsmfile.ErrUnknownSigner) && v.identity != nil:
		s.problem = v.askInside(s)
	case s.problem != nil:
		return nil
	case v.identity == nil:
		s.problem = v.compare(s)
	default:
		s.problem = v.rehearse(s)
	}
	if v.ctx.Err() != nil {
		return interrupted()
	}
	return nil
}

// askInside asks a backup whose signer the image does not know whose it is: an
// older copy of the image does not know the keys of the time after it, and the
// backup's own rosters do. It is not verified either way: a CO who was removed
// could make one with an old copy of the file.
func (v *verifier) askInside(s *stored) error {
	err := v.rehearse(s)
	switch {
	case err == nil:
		return refusal(hsmfile.ErrIntegrity, "if this file is an older copy, find the newest one, or restore the backup at another path: filehsm backup restore --image NEW.hsm",
			"backup %s is whole and of this HSM, but by a user or key that this image does not know: it was made by a newer copy of the image, or by one that went another way", s.id)
	case errors.Is(err, hsmfile.ErrIntegrity):
		return err
	}
	return s.problem // it could not be opened
}

// rehearse plans a restore and leaves it at that.
func (v *verifier) rehearse(s *stored) error {
	_, err := v.planRestore(s, "", hsmfile.RestoreOptions{Identity: v.identity, Trust: v.trust})
	return err
}

func verified(all []stored) *Result {
	objects := []object{}
	for i := range all {
		objects = append(objects, all[i].object())
	}
	return &Result{Data: object{{"backups", objects}}, View: backupGrid(all, "verified")}
}

// notVerified names what failed. A damaged backup decides the exit code
// before one that only could not be opened.
func (c *call) notVerified(all []stored) error {
	var first error
	n := 0
	for _, s := range all {
		if s.problem == nil {
			continue
		}
		if n++; first == nil || errors.Is(s.problem, hsmfile.ErrIntegrity) && !errors.Is(first, hsmfile.ErrIntegrity) {
			first = s.problem
		}
	}
	switch {
	case n == 0:
		return nil
	case len(all) == 1:
		return first
	}
	c.warnOfProblems(all)
	return about(fmt.Sprintf("%d of %s did not verify; the first", n, counted(len(all), "backup")), "", first)
}
