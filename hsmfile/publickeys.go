package hsmfile

import (
	"bytes"
	"errors"
	"fmt"

	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/seal"
)

// publicByHash is the generation of a user's public keys that a roster names.
func (v *view) publicByHash(u *record.User) (*record.Public, error) {
	return v.publicNamed(u, u.Gen, u.Public)
}

// publicNamed finds one generation by its hash.
func (v *view) publicNamed(u *record.User, gen uint32, hash []byte) (*record.Public, error) {
	var found *record.Public
	err := v.eachPublic(u, gen, func(p *record.Public) {
		if bytes.Equal(p.Hash(), hash) {
			found = p
		}
	})
	if err == nil && found == nil {
		err = v.im.damaged(fmt.Sprintf("public keys of user %q", u.Name), errors.New("those that the roster names are missing"))
	}
	return found, err
}

// eachPublic calls fn for the stored records of one generation: one, or more
// where a restore brought a user back who has made another since.
func (v *view) eachPublic(u *record.User, gen uint32, fn func(*record.Public)) error {
	return v.scan(record.PublicPrefix(string(u.ID), gen), "", func(n record.Name, b []byte) error {
		p := new(record.Public)
		if err := record.Decode(b, p); err != nil {
			return v.im.damaged(fmt.Sprintf("public keys of user %q", u.Name), err)
		}
		if record.PublicName(string(p.User), p.Gen, p.Verifier) != n {
			return v.im.damaged(fmt.Sprintf("public keys of user %q", u.Name), errors.New("they are not in their place"))
		}
		fn(p)
		return nil
	})
}

// currentPublic follows a user's own signatures from the generation that the
// roster names to the newest one.
func (v *view) currentPublic(u *record.User) (*record.Public, error) {
	at, err := v.publicByHash(u)
	if err != nil {
		return nil, err
	}
	for {
		next, err := v.nextPublic(u, at)
		if err != nil || next == nil {
			return at, err
		}
		at = next
	}
}

// nextPublic is the generation after at that at's key signed; nil if none.
func (v *view) nextPublic(u *record.User, at *record.Public) (*record.Public, error) {
	var next *record.Public
	twice := false
	err := v.eachPublic(u, at.Gen+1, func(p *record.Public) {
		if bytes.Equal(p.Prev, at.Hash()) && seal.VerifySignature(at.Verifier, signPublic, p.Signed(), p.Sig) {
			twice = next != nil
			next = p
		}
	})
	if err == nil && twice {
		err = v.im.damaged(fmt.Sprintf("public keys of user %q", u.Name), errors.New("two generations claim to be the next"))
	}
	return next, err
}

// publicAt is any generation of a user's keys: newer ones by signatures,
// older ones by the hash that each generation has of the one before.
func (v *view) publicAt(u *record.User, gen uint32) (*record.Public, error) {
	at, err := v.publicByHash(u)
	for err == nil && at.Gen < gen {
		var next *record.Public
		if next, err = v.nextPublic(u, at); next == nil && err == nil {
			err = v.im.damaged(fmt.Sprintf("public keys of user %q", u.Name), fmt.Errorf("generation %d is missing", at.Gen+1))
		}
		at = next
	}
	for err == nil && at.Gen > gen {
		at, err = v.publicNamed(u, at.Gen-1, at.Prev)
	}
	return at, err
}

// newPublic makes the public record of keys. prev is the generation before,
// nil for a user's first; old signs, nil where a roster is to vouch.
func newPublic(user string, keys *seal.UserKeys, prev *record.Public, old *seal.UserKeys) (*record.Public, error) {
	box, err := keys.BoxKey()
	if err != nil {
		return nil, err
	}
	p := &record.Public{User: []byte(user), Gen: 1, KEM: seal.KEM(), Box: box, Verifier: keys.Verifier()}
	if prev != nil {
		p.Gen, p.Prev = prev.Gen+1, prev.Hash()
	}
	if old != nil {
		p.Sig = old.Sign(signPublic, p.Signed())
	}
	return p, nil
}

func (c *change) putPublic(p *record.Public) error {
	return c.put(record.PublicName(string(p.User), p.Gen, p.Verifier), record.Encode(p))
}
