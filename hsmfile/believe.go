package hsmfile

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"

	"filehsm/hsmfile/internal/chain"
)

// ErrUnknownSigner: a manifest has a signature that holds, by a key that this
// image does not know.
var ErrUnknownSigner = errors.New("its manifest is signed with a key that this image does not know")

// A standing is what a manifest found in a vault says about an image. Whoever
// can write the vault can lay one there.
type standing int

const (
	// worthless: of another HSM, with a signature that is not of the key that
	// it names, by a user who makes no backups, or over an entry of our own
	// chain by a key that was never in it. It says nothing about this image.
	worthless standing = iota
	// continued: its head is in our chain, or a restore of ours passed it over.
	continued
	// astray: by a key of ours, over a head that we do not have.
	astray
	// strange: by a key that we do not know, over a head that we do not have.
	// Keys made after an older copy of the image (a new AU, a password changed)
	// are unknown to it, and their manifests are the ones that show that it is
	// older. So this one is heeded, though a stranger can make it as well:
	// better no backup, and the reason said, than older ones put over newer.
	strange
)

// BelieveManifest says whether a manifest may be one of this HSM's: why is nil
// then, and otherwise what is wrong with it (ErrIntegrity). One that is not to
// be believed says nothing about the image, and must stop nobody. err means
// that it could not look.
func (im *Image) BelieveManifest(ctx context.Context, m *Manifest) (why, err error) {
	err = im.view(ctx, func(v *view) (err error) {
		_, why, err = v.weigh(nil, m)
		return err
	})
	return why, err
}

// CheckManifest says whether a vault's newest backup lies on this image's
// chain, or was passed over by a restore. If not, this image is older than its
// backup: somebody put an old file back. ErrIntegrity.
func (im *Image) CheckManifest(ctx context.Context, m *Manifest) error {
	return im.view(ctx, func(v *view) error { return v.checkManifest(nil, m) })
}

// checkManifest takes the chain if it has been read.
func (v *view) checkManifest(log *chain.Log, m *Manifest) error {
	at, why, err := v.weigh(log, m)
	switch {
	case err != nil:
		return err
	case why != nil:
		return why
	case at == astray:
		return refuse(ErrIntegrity, "this file is an older copy of the image, or was restored from an older backup; find the newest file, or restore that backup at another path; "+
			"to go on from here without what it has: filehsm vault remove VAULT, and add an empty directory in its place. "+
			"Or a copy of the image, restored for a rehearsal, made that backup: if you know that, remove "+m.ID+".age and .json from the vault",
			"the image does not continue its own backup %s, made %s by %s (%s)", m.ID, forEyes(m.Time()), m.Signer.Username, m.Signer.Role)
	case at == strange:
		return &Error{Kind: ErrIntegrity, Err: ErrUnknownSigner,
			Text: "the image does not continue backup " + m.ID + "; either the file is an older copy of the image, or the backup was planted in the vault, or made by a copy of the image that went on by itself",
			Hint: "filehsm backup verify --backup " + m.ID + " --identity FILE says which; if it is of this HSM, find the newest file, or restore the backup at another path; if not, or if you know that a copy made it, remove its .json and .age from the vault"}
	}
	return nil
}

// weigh finds a manifest's standing; why is the reason for worthless. Without
// a log it looks at the one entry first: that is the common case, and what leads
// on from there Backup.Write sees.
func (v *view) weigh(log *chain.Log, m *Manifest) (at standing, why, err error) {
	if why := v.ownManifest(m); why != nil {
		return worthless, why, nil
	}
	if log == nil {
		if quick, err := v.weighQuickly(m); err != nil || quick {
			return continued, nil, err
		}
		if log, err = v.wholeLog(); err != nil {
			return worthless, nil, err
		}
	}
	by, err := v.signedBackup(log, m)
	if err != nil {
		return worthless, nil, err
	}
	switch {
	case by == notOurs:
		return worthless, m.refused(errNotOurs), nil
	case log.Has(m.HeadSequence, m.head()) || log.Passed(m.HeadSequence, m.head()):
		return continued, nil, nil
	case by == unknownKey:
		return strange, nil, nil
	}
	return astray, nil, nil
}

var (
	errAltered = errors.New("its manifest was altered: the signature does not verify")
	errNotOurs = errors.New("its manifest is not signed by a user of this image who makes backups")
)

func (m *Manifest) refused(why error) *Error {
	return &Error{Kind: ErrIntegrity, Text: "backup " + m.ID, Hint: "take another backup: filehsm backup list", Err: why}
}

// ownManifest is what can be said without the chain: that a manifest is of this
// HSM, and as whoever signed it left it.
func (v *view) ownManifest(m *Manifest) error {
	if err := v.sameImage(m); err != nil {
		return err
	}
	if !m.verifies() {
		return m.refused(errAltered)
	}
	return nil
}

// sameImage refuses the backup of another HSM.
func (v *view) sameImage(m *Manifest) error {
	i := v.info()
	if m.ImageID == i.ID && m.Serial == i.Serial && m.Fingerprint == i.Fingerprint {
		return nil
	}
	const hint = "filehsm status shows this image's serial and fingerprint"
	if m.Serial == i.Serial {
		return refuse(ErrIntegrity, hint, "backup %s says that it is of another HSM than %s: the serial is the same, and the fingerprint (%s) or the image id is not", m.ID, v.im.path, m.Fingerprint)
	}
	return refuse(ErrIntegrity, hint, "backup %s is of another HSM (serial %s), not of %s (serial %s)", m.ID, m.Serial, v.im.path, i.Serial)
}

// weighQuickly says whether a manifest is over an entry of our chain, by a
// user who makes backups today. It reads that entry and the roster.
func (v *view) weighQuickly(m *Manifest) (bool, error) {
	at, err := chain.At(v.r, m.HeadSequence)
	if err != nil || at.Entry == nil || hex.EncodeToString(at.Hash) != m.HeadHash || State(v.h.State) == Uninitialized {
		return false, nil // what is broken shows when the whole chain is read
	}
	r, err := v.publicRoster()
	if err != nil {
		return false, err
	}
	w := &witnesses{v: v, roster: r, known: map[string]bool{}}
	user, key := m.signerKey()
	known, err := w.inForce(user, m.Signer.Generation, key)
	return known && makesBackups(r.ByID(user).Role), err
}

// A manifest's signer, as far as the image knows him.
type backupSigner int

const (
	unknownKey backupSigner = iota // perhaps one of a time that this image has not seen
	notOurs                        // a CU, or an unknown key over an entry of our own chain, which would know it
	makesSome                      // an officer or appliance user, and his key
)

// signedBackup says who signed a manifest. The role of a user who is gone is
// the one that he had in his own audit entries.
func (v *view) signedBackup(log *chain.Log, m *Manifest) (backupSigner, error) {
	w, err := v.witnesses(log)
	if err != nil {
		return unknownKey, err
	}
	user, key := m.signerKey()
	role := log.RoleOf(user)
	if w.roster != nil && w.roster.ByID(user) != nil {
		role = w.roster.ByID(user).Role
	}
	if role != 0 && !makesBackups(role) {
		return notOurs, nil // a role is for life
	}
	known, err := w.vouch(user, m.Signer.Generation, key, log.Last().Sequence)
	switch {
	case err != nil:
		return unknownKey, err
	case known:
		return makesSome, nil
	case log.Has(m.HeadSequence, m.head()):
		return notOurs, nil
	}
	return unknownKey, nil
}

func makesBackups(role uint8) bool { return slices.Contains(operations[opBackup].roles, Role(role)) }

func (m *Manifest) head() []byte {
	hash, _ := hex.DecodeString(m.HeadHash) // ParseManifest saw to it
	return hash
}

func (m *Manifest) signerKey() (user string, key []byte) {
	id, _ := hex.DecodeString(m.Signer.UserID) // one that does not decode is nobody's
	key, _ = hex.DecodeString(m.Signer.PublicKey)
	return string(id), key
}

// wholeLog is the chain, which no image is without.
func (v *view) wholeLog() (*chain.Log, error) {
	log, err := chain.Read(v.r, nil)
	if err == nil && log.Last().Entry == nil {
		err = errors.New("it is empty")
	}
	if err != nil {
		return nil, v.im.damaged("audit chain", err)
	}
	return log, nil
}

// verifyManifest is VerifyManifests for one, with the chain at hand.
func (v *view) verifyManifest(log *chain.Log, m *Manifest) (why, err error) {
	if why := v.ownManifest(m); why != nil {
		return why, nil
	}
	by, err := v.signedBackup(log, m)
	switch {
	case err != nil || by == makesSome:
		return nil, err
	case by == unknownKey:
		return m.refused(ErrUnknownSigner), nil
	}
	return m.refused(errNotOurs), nil
}
