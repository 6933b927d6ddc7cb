package hsmfile

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"

	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/seal"
)

// Domains of signatures: a signature in one is none in another.
const (
	signRoster   = "roster"
	signPublic   = "public"
	signLogin    = "login"
	signLeft     = "left"
	signPubObj   = "public-key-object"
	signHead     = "head"
	signManifest = "manifest"
)

// roster is a decoded roster with its hash. It is not changed any more: the
// next one is decoded anew.
type roster struct {
	*record.Roster
	hash   []byte
	signed record.SignedRoster
	stored []byte // what it was decoded from
}

func parseRoster(b []byte) (*roster, error) {
	r := &roster{Roster: new(record.Roster), stored: b}
	if err := record.Decode(b, &r.signed); err != nil {
		return nil, err
	}
	if err := record.Decode(r.signed.Body, r.Roster); err != nil {
		return nil, err
	}
	r.hash = r.signed.Hash()
	return r, nil
}

// newestRoster is the roster in force, not yet verified; nil before activation.
// Every transaction reads it more than once, so the last one is kept decoded.
func (v *view) newestRoster() (*roster, error) {
	_, b, err := v.r.Last(v.key(record.RosterPrefix()))
	if err != nil || b == nil {
		return nil, err
	}
	if r := v.im.decoded.Load(); r != nil && bytes.Equal(r.stored, b) {
		return r, nil
	}
	r, err := parseRoster(b)
	if err != nil {
		return nil, v.im.damaged("roster", err)
	}
	v.im.decoded.Store(r)
	return r, nil
}

func (v *view) rosterAt(epoch uint64) (*roster, error) {
	b, err := v.get(record.RosterName(epoch))
	if err != nil {
		return nil, err
	}
	if b == nil {
		return nil, v.im.damaged(fmt.Sprintf("roster of epoch %d", epoch), errors.New("it is missing"))
	}
	r, err := parseRoster(b)
	if err != nil {
		return nil, v.im.damaged(fmt.Sprintf("roster of epoch %d", epoch), err)
	}
	return r, nil
}

// publicRoster is the roster in force, followed back by its signatures to the
// fingerprint in the header: what anyone may believe without a login.
func (v *view) publicRoster() (*roster, error) {
	r, err := v.newestRoster()
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, v.noRoster()
	}
	return r, v.follow(r, v.h.Fingerprint)
}

func (v *view) noRoster() error { return v.im.damaged("roster", errors.New("it is missing")) }

// pinnedRoster is the roster in force, followed back to what a user saw last.
func (v *view) pinnedRoster(p *record.Pins) (*roster, error) {
	r, err := v.newestRoster()
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, v.noRoster()
	}
	switch {
	case r.Epoch < p.Epoch:
		return nil, v.im.damaged("roster", errors.New("it is older than the one this user saw last"))
	case r.Epoch == p.Epoch && !bytes.Equal(r.hash, p.Hash):
		return nil, v.im.damaged("roster", errors.New("it is not the one this user saw last"))
	case r.Epoch == p.Epoch:
		return r, v.constants(r)
	}
	return r, v.follow(r, p.Kept)
}

// follow verifies r and the kept rosters before it until it meets the one
// named by target, which is taken as true. Each is signed by officers of the
// kept one before it: between kept rosters the officers do not change.
func (v *view) follow(r *roster, target []byte) error {
	if err := v.constants(r); err != nil {
		return err
	}
	for at := r; ; {
		if bytes.Equal(at.hash, target) {
			return nil
		}
		if at.Epoch <= 1 {
			return v.im.damaged("roster", errors.New("it does not go back to this image's first roster"))
		}
		kept, err := v.rosterAt(at.KeptEpoch)
		if err != nil {
			return err
		}
		if kept.Epoch >= at.Epoch || !bytes.Equal(kept.hash, at.Kept) {
			return v.im.damaged(fmt.Sprintf("roster of epoch %d", at.KeptEpoch), errors.New("it is not the one that the next was made from"))
		}
		if err := v.signedBy(at, kept); err != nil {
			return err
		}
		at = kept
	}
}

// constants compares what no roster may change with the header.
func (v *view) constants(r *roster) error {
	same := bytes.Equal(r.ImageID, v.h.ImageID) && r.Serial == v.h.Serial && r.Mode == v.h.Mode && r.Reset == v.h.Reset
	if !same {
		return v.im.damaged("roster", errors.New("it is of another image, mode or reset rule"))
	}
	return nil
}

// signedBy counts the officers of by who signed r; by's M must have.
func (v *view) signedBy(r, by *roster) error {
	signers := map[string]bool{}
	for _, s := range r.signed.Sigs {
		u := by.ByID(string(s.User))
		if u == nil || Role(u.Role) != CO {
			continue
		}
		keys, err := v.publicByHash(u)
		if err != nil {
			return err
		}
		if seal.VerifySignature(keys.Verifier, signRoster, r.signed.Body, s.Sig) {
			signers[string(s.User)] = true
		}
	}
	if len(signers) < int(max(by.Officers, 1)) {
		return v.im.damaged(fmt.Sprintf("roster of epoch %d", r.Epoch), errors.New("no officer signed it"))
	}
	return nil
}

// isKept says whether officers or their keys differ between a roster and the
// kept one before it: if so it must stay, for later ones to be followed.
func isKept(r *record.Roster, kept *record.Roster) bool {
	return kept == nil || r.Officers != kept.Officers || !bytes.Equal(officers(r), officers(kept))
}

func officers(r *record.Roster) []byte {
	var all []record.User
	for _, u := range r.Users {
		if Role(u.Role) == CO {
			all = append(all, u)
		}
	}
	return record.Encode(all)
}

// keptOf is the kept roster that r names, or nil for the first.
func (v *view) keptOf(r *roster) (*record.Roster, error) {
	if r.Epoch == 1 {
		return nil, nil
	}
	kept, err := v.rosterAt(r.KeptEpoch)
	if err != nil {
		return nil, err
	}
	return kept.Roster, nil
}

// pinsFor is what a user is to remember of r.
func (v *view) pinsFor(r *roster) (*record.Pins, error) {
	kept, err := v.keptOf(r)
	if err != nil {
		return nil, err
	}
	p := &record.Pins{Epoch: r.Epoch, Hash: r.hash, KeptEpoch: r.KeptEpoch, Kept: r.Kept}
	if isKept(r.Roster, kept) {
		p.KeptEpoch, p.Kept = r.Epoch, r.hash
	}
	return p, nil
}

// signer is an officer who signs a roster.
type signer struct {
	id   string
	keys *seal.UserKeys
}

// putFirstRoster writes the roster that the fingerprint names.
func (c *change) putFirstRoster(r *record.Roster, by signer) (*roster, error) {
	r.ImageID, r.Serial, r.Mode, r.Reset = c.h.ImageID, c.h.Serial, c.h.Mode, c.h.Reset
	r.Epoch, r.Officers = 1, 1
	signed, err := c.signRoster(r, by)
	if err != nil {
		return nil, err
	}
	c.h.Fingerprint, c.h.State = signed.hash, uint8(Active)
	return signed, c.putHeader()
}

// putRoster writes the roster after old, as edit makes it. An old roster that
// is not kept is dropped: the next is followed from the kept one before.
func (c *change) putRoster(old *roster, by signer, edit func(*record.Roster)) (*roster, error) {
	next := new(record.Roster)
	if err := record.Decode(old.signed.Body, next); err != nil {
		return nil, err
	}
	kept, err := c.keptOf(old)
	if err != nil {
		return nil, err
	}
	if isKept(old.Roster, kept) {
		next.Kept, next.KeptEpoch = old.hash, old.Epoch
	} else if err := c.del(record.RosterName(old.Epoch)); err != nil {
		return nil, err
	}
	next.Epoch, next.Prev = old.Epoch+1, old.hash
	edit(next)
	if err := c.vouch(next); err != nil {
		return nil, err
	}
	return c.signRoster(next, by)
}

// vouch names each user's newest keys, so that who knows one of his older
// passwords cannot fork his generations from there any more. A user whose keys
// are damaged keeps his row: an officer must be able to delete him.
func (c *change) vouch(r *record.Roster) error {
	for i := range r.Users {
		p, err := c.currentPublic(&r.Users[i])
		switch {
		case errors.Is(err, ErrIntegrity):
			continue
		case err != nil:
			return err
		}
		r.Users[i].Gen, r.Users[i].Public = p.Gen, p.Hash()
	}
	return nil
}

func (c *change) signRoster(r *record.Roster, by signer) (*roster, error) {
	body := record.Encode(r)
	signed := record.SignedRoster{Body: body, Sigs: []record.Signature{{User: []byte(by.id), Sig: by.keys.Sign(signRoster, body)}}}
	b := record.Encode(&signed)
	if err := c.put(record.RosterName(r.Epoch), b); err != nil {
		return nil, err
	}
	return parseRoster(b)
}

// fingerprintText is a fingerprint for people.
func fingerprintText(b []byte) string { return hex.EncodeToString(b) }
