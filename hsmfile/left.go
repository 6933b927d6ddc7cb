package hsmfile

import (
	"errors"

	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/seal"
	"filehsm/hsmfile/secret"
)

// author is who leaves something for another user: his id, the generation of
// his keys, and the keys.
type author struct {
	id   string
	gen  uint32
	keys *seal.UserKeys
}

// leave seals plain to a user's newest public keys and signs it.
func (c *change) leave(n record.Name, label string, by author, to *record.Public, plain *secret.Bytes) error {
	box, err := seal.SealTo(to.KEM, to.Box, c.place(label, n, c.version()), plain.Reveal())
	if err != nil {
		return err
	}
	l := record.Left{Version: c.version(), Author: []byte(by.id), AuthorGen: by.gen, ToGen: to.Gen, Box: box}
	l.Sig = by.keys.Sign(signLeft, l.Signed(n))
	c.scrub = true
	return c.put(n, record.Encode(&l))
}

// take verifies the author of what lies under n and opens it with the
// receiver's keys of the generation that it was sealed to.
func (v *view) take(n record.Name, label string, r *roster, about string, keysAt func(uint32) (*seal.UserKeys, error)) (*secret.Bytes, error) {
	var l record.Left
	if err := v.need(n, &l); err != nil {
		return nil, err
	}
	if err := v.checkLeft(n, &l, r, about); err != nil {
		return nil, err
	}
	keys, err := keysAt(l.ToGen)
	if err != nil {
		return nil, err
	}
	plain, err := keys.OpenBox(v.place(label, n, l.Version), l.Box)
	if err != nil {
		return nil, v.im.damaged(n.Kind().String()+" record", err)
	}
	return secret.New(plain), nil
}

// checkLeft verifies that the user himself left a record, with the newest of
// his keys: whoever knew an older password of his cannot leave anything.
func (v *view) checkLeft(n record.Name, l *record.Left, r *roster, about string) error {
	what := n.Kind().String() + " record"
	u := r.ByID(about)
	if u == nil || string(l.Author) != about {
		return v.im.damaged(what, errors.New("it is not by the user whom it is about"))
	}
	public, err := v.currentPublic(u)
	if err != nil {
		return err
	}
	if l.AuthorGen != public.Gen || !seal.VerifySignature(public.Verifier, signLeft, l.Signed(n), l.Sig) {
		return v.im.damaged(what, errors.New("its author's signature does not verify"))
	}
	return nil
}

// escrowTo leaves a CU's secret for each officer, unless the image's reset
// rule is drops-keys. owner is the CU himself, whose secret is at hand.
func (c *change) escrowTo(r *roster, owner author) error {
	if c.h.Reset == resetDropsKeys {
		return nil
	}
	for i := range r.Users {
		if Role(r.Users[i].Role) != CO {
			continue
		}
		if err := c.escrowOne(&r.Users[i], owner); err != nil {
			return err
		}
	}
	return nil
}

// escrowOne leaves a CU's secret for one officer. An officer who passes his
// own escrow on to a new officer has the CU's keys in hand, and signs as him.
func (c *change) escrowOne(officer *record.User, cu author) error {
	to, err := c.currentPublic(officer)
	if err != nil {
		return err
	}
	n := record.EscrowName(cu.id, string(officer.ID))
	return c.leave(n, placeEscrow, cu, to, cu.keys.Secret())
}

// leaveCommon gives the common key to a user, whose keys the maker of them has
// in hand.
func (c *change) leaveCommon(to author, public *record.Public, common *secret.Bytes) error {
	return c.leave(record.CommonName(to.id), placeCommon, to, public, common)
}
