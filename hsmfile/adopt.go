package hsmfile

import (
	"cmp"
	"context"
	"errors"

	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/seal"
	"filehsm/hsmfile/internal/store"
	"filehsm/hsmfile/secret"
)

// adopting runs a transaction of this user's. Where it finds that others left
// something for him since he last looked, that is taken up first: verified,
// sealed under his own key, and indexed by label where he finds it.
func (s *Session) adopting(ctx context.Context, transaction func() error) error {
	for {
		err := transaction()
		if !errors.Is(err, errOffers) {
			return err
		}
		if err := s.writeNow(ctx, opAdopt, s.adoptSome); err != nil {
			return err
		}
	}
}

// errOffers ends a transaction that came before the offers were taken up.
var errOffers = errors.New("offers wait")

func (s *Session) noOffers(v *view) error {
	if s.Role() != CU {
		return nil
	}
	key, _, err := v.r.Last(v.key(record.OfferPrefix(s.id())))
	if err == nil && key != "" {
		err = errOffers
	}
	return err
}

// adoptSome takes up as many offers as a transaction may hold.
func (s *Session) adoptSome(c *change) error {
	var names []record.Name
	err := c.scan(record.OfferPrefix(s.id()), "", func(n record.Name, _ []byte) error {
		if n != record.OfferName(s.id(), record.RefOf(n)) { // it would be taken up, and stay
			return s.im.damaged(describeName(n), record.ErrMalformed)
		}
		if names = append(names, n); len(names) == perTransaction/4 {
			return store.ErrStop
		}
		return nil
	})
	if err != nil || len(names) == 0 {
		return err
	}
	e := s.entry(c, opAdopt)
	for _, n := range names {
		err := s.adoptOne(c, n)
		if err == errGoing {
			err = c.drop(n) // the key goes with its owner
		} else {
			e.Keys = append(e.Keys, record.RefOf(n))
		}
		if err != nil {
			return err
		}
	}
	return c.record(e)
}

func (s *Session) adoptOne(c *change, offer record.Name) error {
	ref := record.RefOf(offer)
	owner, dekSum, err := s.openOffer(&c.view, offer)
	if err != nil {
		return err
	}
	defer dekSum.Wipe()
	if err := s.refuseAnother(&c.view, owner, ref); err != nil {
		return err
	}
	o, err := s.openTheirs(&c.view, owner, ref, dekSum)
	if err != nil {
		return err
	}
	o.material.Wipe()
	if err := c.dropShare(s.id(), ref); err != nil {
		return err
	}
	n := record.ShareName(s.id(), ref)
	sealed, err := seal.Seal(s.keys.Sealing(), c.place(placeShare, n, c.version()), dekSum.Reveal())
	if err != nil {
		return err
	}
	sh := record.Share{Owner: []byte(owner), Gen: s.login.Gen, Version: c.version(), DEK: sealed, KeyVersion: o.version}
	if o.set.Label != "" {
		label := record.LabelName(s.id(), seal.BlindIndex(s.keys.Index(), o.set.Label), ref)
		if err := c.put(label, []byte{labelShared}); err != nil {
			return err
		}
		sh.Label = []byte(label)
	}
	return c.put(n, record.Encode(&sh))
}

// refuseAnother refuses an offer that would take the place of a key with the
// same reference: references are unique while nobody edits the file, and a CU
// who does could otherwise slip his own key under another's name.
func (s *Session) refuseAnother(v *view, owner string, ref uint64) error {
	var sh record.Share
	have, err := v.load(record.ShareName(s.id(), ref), &sh)
	if err != nil {
		return err
	}
	own, err := v.get(record.KeyName(s.id(), ref))
	if err != nil {
		return err
	}
	if own != nil || (have && string(sh.Owner) != owner) {
		return v.im.damaged("offered share "+attr.FormatReference(ref), errors.New("another key has this reference"))
	}
	return nil
}

// openOffer verifies who left an offer and opens it.
func (s *Session) openOffer(v *view, n record.Name) (owner string, dekSum *secret.Bytes, err error) {
	var l record.Left
	if err := v.need(n, &l); err != nil {
		return "", nil, err
	}
	if err := v.checkOffer(n, &l, s.roster); err != nil {
		return "", nil, err
	}
	keys, err := s.keysAt(v, l.ToGen)
	if err != nil {
		return "", nil, err
	}
	b, err := keys.OpenBox(v.place(placeShare, n, l.Version), l.Box)
	if err != nil {
		return "", nil, v.im.damaged("offered share", err)
	}
	return string(l.Author), secret.New(b), nil
}

// checkOffer verifies an offer's author: a CU of this image, with any of the
// keys he had, for he may have changed his password since. It is errGoing if he
// is being deleted.
func (v *view) checkOffer(n record.Name, l *record.Left, r *roster) error {
	u := r.ByID(string(l.Author))
	if u == nil {
		if going, err := v.isGoing(string(l.Author)); err != nil || going {
			return cmp.Or(err, errGoing)
		}
	}
	if u == nil || Role(u.Role) != CU {
		return v.im.damaged("offered share", errors.New("its author is not a CU of this image"))
	}
	public, err := v.publicAt(u, l.AuthorGen)
	if err != nil {
		return err
	}
	if !seal.VerifySignature(public.Verifier, signLeft, l.Signed(n), l.Sig) {
		return v.im.damaged("offered share", errors.New("its author's signature does not verify"))
	}
	return nil
}
