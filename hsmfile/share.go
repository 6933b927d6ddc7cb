package hsmfile

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/seal"
	"filehsm/hsmfile/secret"
)

// Share lets another CU use a key, and nothing else: not wrap it, delete it,
// share it on or change it. Its owner only.
func (s *Session) Share(ctx context.Context, f attr.Filter, username string) (*Key, error) {
	return s.changeSharing(ctx, opShare, f, username, func(o *object, id []byte) error {
		if slices.ContainsFunc(o.shared, func(x []byte) bool { return bytes.Equal(x, id) }) {
			return nil // sharing anew is how a user gets a share back that a reset took from him
		}
		o.shared = append(slices.Clone(o.shared), id)
		slices.SortFunc(o.shared, bytes.Compare)
		return nil
	})
}

// Unshare takes a key back. It gets a new DEK, so that what the other user
// kept opens nothing that is written from here on.
func (s *Session) Unshare(ctx context.Context, f attr.Filter, username string) (*Key, error) {
	return s.changeSharing(ctx, opUnshare, f, username, func(o *object, id []byte) error {
		rest := slices.DeleteFunc(slices.Clone(o.shared), func(x []byte) bool { return bytes.Equal(x, id) })
		if len(rest) == len(o.shared) {
			return refuse(ErrNotFound, "filehsm key list --verbose shows with whom a key is shared",
				"%s: key %s is not shared with user %q", s.im.path, attr.FormatReference(o.ref()), username)
		}
		o.shared = rest
		return nil
	})
}

// changeSharing writes the key anew under a new DEK, and leaves that for each
// user it is shared with.
func (s *Session) changeSharing(ctx context.Context, op operation, f attr.Filter, username string, edit func(*object, []byte) error) (*Key, error) {
	var key *Key
	err := s.write(ctx, op, func(c *change) error {
		u, err := s.sharer(username)
		if err != nil {
			return err
		}
		o, err := s.findOne(&c.view, f, "secret or private key", isPrivate)
		if err == nil {
			err = s.mayChange(o)
		}
		if err != nil {
			return err
		}
		before := o
		if err := edit(&o, u.ID); err != nil {
			return err
		}
		if err := c.dropShare(string(u.ID), o.ref()); err != nil {
			return err
		}
		if o, err = s.rewrite(c, before, o); err != nil {
			return err
		}
		key = s.key(o)
		e := s.entry(c, op)
		e.Subject, e.Keys = u.Name, []uint64{o.ref()}
		return c.record(e)
	})
	return key, err
}

func isPrivate(set *attr.Set) bool { return set.Class != attr.PublicKey }

// sharer is the CU that a key is shared with.
func (s *Session) sharer(name string) (*record.User, error) {
	u, err := s.other(name)
	if err != nil {
		return nil, err
	}
	if Role(u.Role) != CU || string(u.ID) == s.id() {
		return nil, refuse(ErrUsage, "filehsm user list shows the users and their roles", "%s: a key is shared with another CU, not with %q", s.im.path, u.Name)
	}
	return u, nil
}

// sharers is the ids of those that a new key is shared with from the start.
func (s *Session) sharers(names []string) (ids [][]byte, err error) {
	for _, name := range names {
		u, err := s.sharer(name)
		if err != nil {
			return nil, err
		}
		ids = append(ids, u.ID)
	}
	slices.SortFunc(ids, bytes.Compare)
	return slices.CompactFunc(ids, bytes.Equal), nil
}

// recordShares enters that new keys were shared, beside the entry that says
// that they were made and lists what was written for both.
func (s *Session) recordShares(c *change, made []object, with [][]byte) error {
	for _, id := range with {
		e := s.entry(c, opShare)
		e.Subject = s.roster.ByID(string(id)).Name
		for _, o := range made {
			if len(o.shared) > 0 {
				e.Keys = append(e.Keys, o.ref())
			}
		}
		if err := c.record(e); err != nil {
			return err
		}
	}
	return nil
}

// mayChange refuses keys of others, and those that nobody may change.
func (s *Session) mayChange(o object) error {
	ref := attr.FormatReference(o.ref())
	if o.owner != s.id() {
		return refuse(ErrDenied, "its owner can: --as "+s.key(o).Owner, "%s: key %s belongs to user %q", s.im.path, ref, s.key(o).Owner)
	}
	if !o.set.Is(attr.Modifiable) {
		return refuse(ErrDenied, "it was made with modifiable=false, or set so for good", "%s: key %s may not be changed", s.im.path, ref)
	}
	return nil
}

// rewrite stores an object of the user's own in a new version: a key under a
// new DEK, with its label where the owner finds it, and offered anew to all
// it is shared with.
func (s *Session) rewrite(c *change, before, after object) (object, error) {
	old, err := s.labelName(&c.view, before)
	if err != nil {
		return object{}, err
	}
	if old != "" {
		if err := c.del(old); err != nil {
			return object{}, err
		}
	}
	after.version = c.version()
	plain, err := encodeObject(after.set, after.material)
	if err != nil {
		return object{}, err
	}
	defer clear(plain)
	c.scrub = true
	if after.set.Class == attr.PublicKey {
		err = s.putPublicObject(c, after, plain)
	} else {
		err = s.putAndOffer(c, after, plain)
	}
	if err != nil {
		return object{}, err
	}
	if err := s.putLabel(c, after); err != nil {
		return object{}, err
	}
	return after, s.hold(c, []object{after}, []object{before})
}

func (s *Session) putAndOffer(c *change, o object, plain []byte) error {
	dekSum, err := s.putKey(c, o, plain)
	if err != nil {
		return err
	}
	defer dekSum.Wipe()
	for _, id := range o.shared {
		if err := c.dropShare(string(id), o.ref()); err != nil { // it opens nothing from here on
			return err
		}
		if err := s.offer(c, o, string(id), dekSum); err != nil {
			return err
		}
	}
	return nil
}

// offer leaves a key's DEK and sum for a user. One who is gone gets nothing.
func (s *Session) offer(c *change, o object, receiver string, dekSum *secret.Bytes) error {
	u := s.roster.ByID(receiver)
	if u == nil || Role(u.Role) != CU {
		return nil
	}
	to, err := c.currentPublic(u)
	if err != nil {
		return err
	}
	return c.leave(record.OfferName(receiver, o.ref()), placeShare, s.author(), to, dekSum)
}

// dropShare removes what one user has of a key: offer, share and label.
func (c *change) dropShare(receiver string, ref uint64) error {
	var sh record.Share
	ok, err := c.load(record.ShareName(receiver, ref), &sh)
	if err != nil {
		return err
	}
	if ok && len(sh.Label) > 0 {
		if n := record.Name(sh.Label); n.Kind() == record.KindLabel {
			if err := c.drop(n); err != nil {
				return err
			}
		}
	}
	for _, n := range []record.Name{record.OfferName(receiver, ref), record.ShareName(receiver, ref)} {
		if err := c.drop(n); err != nil {
			return err
		}
	}
	return nil
}

// dropShares removes a key from all it is shared with.
func (c *change) dropShares(shared [][]byte, ref uint64) error {
	for _, id := range shared {
		if err := c.dropShare(string(id), ref); err != nil {
			return err
		}
	}
	return nil
}

// openShare opens a key that somebody shares with this user. One whose owner
// has removed it since is damage: he would have removed the share as well.
func (s *Session) openShare(v *view, n record.Name, b []byte) (object, error) {
	what := "shared key " + attr.FormatReference(record.RefOf(n))
	var sh record.Share
	if err := record.Decode(b, &sh); err != nil {
		return object{}, v.im.damaged(what, err)
	}
	keys, err := s.keysAt(v, sh.Gen)
	if err != nil {
		return object{}, err
	}
	dekSum, err := seal.Open(keys.Sealing(), v.place(placeShare, n, sh.Version), sh.DEK)
	if err != nil {
		return object{}, v.im.damaged(what, err)
	}
	defer clear(dekSum)
	o, err := s.openTheirs(v, string(sh.Owner), record.RefOf(n), secret.New(dekSum))
	o.at = n
	return o, err
}

// openTheirs opens another user's key record with its DEK and sum.
func (s *Session) openTheirs(v *view, owner string, ref uint64, dekSum *secret.Bytes) (object, error) {
	n := record.KeyName(owner, ref)
	var k record.Key
	if ok, err := v.load(n, &k); err != nil || !ok {
		return object{}, errors.Join(err, v.im.damaged("shared key "+attr.FormatReference(ref), errors.New("its owner's record is missing")))
	}
	o, err := s.openBody(v, n, &k, dekSum)
	o.owner = owner
	return o, err
}
