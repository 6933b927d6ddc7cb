package commands

import (
	"errors"
	"strings"

	"filehsm/hsmfile"
	"filehsm/vault"
)

// A restorer looks for the backup to restore.
type restorer struct {
	*call
	im       *hsmfile.Image // nil where there is none yet
	identity []byte
}

// choose opens the newest backup that verifies, or the one that --backup
// names and no other. One that does not verify is passed over with a warning;
// anything else that goes wrong (the wrong identity, a newer version) would go
// wrong with the next as well, or hide that there is a newer backup.
func (r *restorer) choose(p *place) (plan *hsmfile.RestorePlan, s *stored, err error) {
	all := readAll(r.ctx, []*place{p})
	r.warnAlone([]*place{p})
	picked, err := r.pick(all, []*place{p})
	if err != nil {
		return nil, nil, err
	}
	var refused []error
	for i := range picked {
		s := &picked[i]
		plan, err := r.try(s, newerThan(s, all))
		if err == nil || !passable(err) {
			r.warnPassedOver(p, refused)
			return plan, s, err
		}
		if errors.Is(err, hsmfile.ErrUntrusted) { // nothing vouches for any of them
			r.warnPassedOver(p, refused)
			return nil, nil, err
		}
		refused = append(refused, err)
	}
	return nil, nil, firstRefusal(refused)
}

// firstRefusal is what was wrong with the newest one.
func firstRefusal(refused []error) error {
	if len(refused) == 1 {
		return refused[0]
	}
	return about("none of the "+counted(len(refused), "backup")+" verifies; the newest", "", refused[0])
}

// warnPassedOver tells what was wrong with backups that were not taken.
func (r *restorer) warnPassedOver(p *place, refused []error) {
	for _, err := range refused {
		r.Warn("passed over: %s: %v", p.what(), err)
	}
}

// passable says whether err is about this one backup.
func passable(err error) bool {
	return errors.Is(err, hsmfile.ErrIntegrity) || errors.Is(err, vault.ErrNotFound)
}

// trusted is the fingerprint by which a backup is recognised: the image's, the
// line's, or the identity file's.
func (r *restorer) trusted() string {
	switch {
	case r.im != nil:
		return r.im.Info().Fingerprint
	case r.Given("trust"):
		return strings.ToLower(r.Text("trust"))
	}
	return hsmfile.FingerprintIn(r.identity)
}

// try plans the restore of one backup; nothing is written.
func (r *restorer) try(s *stored, passed []*hsmfile.Manifest) (*hsmfile.RestorePlan, error) {
	if s.problem != nil {
		return nil, s.problem
	}
	if want := r.trusted(); want != "" && s.manifest.Fingerprint != want {
		return nil, refusal(hsmfile.ErrIntegrity, r.otherHSM(),
			"backup %s is of another HSM (serial %s, fingerprint %s), not of %s", s.id, s.serial, s.manifest.Fingerprint, want)
	}
	path, err := r.Image()
	if err != nil {
		return nil, err
	}
	return r.planRestore(s, path, hsmfile.RestoreOptions{Identity: r.identity, Trust: r.trusted(), Passed: passed, VaultID: s.place.info.ID})
}

// otherHSM is what to do about a backup of another HSM than is expected.
func (r *restorer) otherHSM() string {
	if r.im != nil {
		return "restore it at a path where nothing is: --image NEW.hsm --from DIR"
	}
	return "look for a vault of the right HSM; --trust takes the fingerprint that you wrote down when yours was activated"
}

// newerThan are the manifests of the same HSM that are newer than a backup:
// the restore's audit entry names them, or the next backup create would take
// this image for a rolled-back one.
func newerThan(s *stored, all []stored) (newer []*hsmfile.Manifest) {
	for _, x := range all {
		if x.created.After(s.created) && x.manifest != nil && x.problem == nil && s.manifest != nil && x.manifest.Fingerprint == s.manifest.Fingerprint {
			newer = append(newer, x.manifest)
		}
	}
	return newer
}
