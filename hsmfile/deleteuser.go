package hsmfile

import (
	"bytes"
	"context"
	"slices"

	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/store"
)

// OwnedKeys is how many key objects a user owns, as the records lie there.
func (s *Session) OwnedKeys(ctx context.Context, name string) (n int, err error) {
	err = s.read(ctx, opDeleteUser, func(v *view) error {
		u, err := s.other(name)
		if err != nil {
			return err
		}
		n, err = v.countOwned(string(u.ID))
		return err
	})
	return n, err
}

func (v *view) countOwned(user string) (n int, err error) {
	err = v.eachOwned(user, func(record.Name) error { n++; return nil })
	return n, err
}

// eachOwned names the key objects of a user: his secret and private keys, and
// the public-key objects that carry his id.
func (v *view) eachOwned(user string, fn func(record.Name) error) error {
	err := v.scan(record.KeyPrefix(user), "", func(n record.Name, _ []byte) error { return fn(n) })
	if err != nil {
		return err
	}
	return v.scan(record.PubObjPrefix(), "", func(n record.Name, b []byte) error {
		var o record.PubObj
		if err := record.Decode(b, &o); err != nil {
			return v.im.damaged("public key object", err)
		}
		if string(o.Owner) != user {
			return nil
		}
		return fn(n)
	})
}

// DeleteUser removes a user and every key he owns. The roster without him
// comes first, so that from then on nobody is he; his objects follow, a
// thousand a transaction, under a mark that the next opener acts on.
func (s *Session) DeleteUser(ctx context.Context, name string) (keys int, err error) {
	err = s.write(ctx, opDeleteUser, func(c *change) error {
		u, err := s.other(name)
		if err != nil {
			return err
		}
		if string(u.ID) == s.id() {
			return refuse(ErrDenied, "another CO can do it", "%s: a CO cannot delete himself", s.im.path)
		}
		if keys, err = c.countOwned(string(u.ID)); err != nil {
			return err
		}
		if _, err := s.removeUser(c, u, nil); err != nil {
			return err
		}
		e := s.entry(c, opDeleteUser)
		e.Subject = u.Name
		if err := c.record(e); err != nil {
			return err
		}
		return c.signHead(s.author())
	})
	return keys, err
}

// removeUser writes the roster without the user, his login and all that is
// about him but his objects, of which none is trusted any more. The roster has
// heir in his place, if that is not nil.
func (s *Session) removeUser(c *change, u *record.User, heir *newUser) (*roster, error) {
	gens, err := s.generations(c, Role(u.Role) == CO)
	if err != nil {
		return nil, err
	}
	r, err := c.putRoster(s.roster, s.signer(), func(r *record.Roster) {
		r.Users = without(r.Users, string(u.ID))
		r.Trusted = slices.DeleteFunc(slices.Clone(r.Trusted), func(x record.Trusted) bool { return bytes.Equal(x.Owner, u.ID) })
		if heir != nil {
			r.Users = append(r.Users, heir.row)
			sortUsers(r)
		}
		gens.outdate(r)
	})
	if err != nil {
		return nil, err
	}
	if err := s.dropUser(c, u); err != nil {
		return nil, err
	}
	return r, s.pin(c, r, nil)
}

// dropUser removes what is about a user, and leaves the mark that his objects
// are to follow.
func (s *Session) dropUser(c *change, u *record.User) error {
	id := string(u.ID)
	for _, n := range []record.Name{record.LoginName(id), record.PinsName(id), record.CommonName(id), record.HoldingsName(id)} {
		if err := c.drop(n); err != nil {
			return err
		}
	}
	if err := c.dropEscrows(s.roster, id); err != nil {
		return err
	}
	if err := c.w.Delete(record.CounterKey(id)); err != nil {
		return err
	}
	if err := c.endSessions(id); err != nil {
		return err
	}
	return c.mark(record.MarkDelete+id, u.Name)
}

// generations is each CU's newest generation, by id.
type generations map[string]uint32

// outdate makes each of these users make a new generation at his next login.
func (g generations) outdate(r *record.Roster) {
	for i := range r.Users {
		if gen, ok := g[string(r.Users[i].ID)]; ok {
			r.Users[i].MinGen = gen + 1
		}
	}
}

// generations are those that an officer could open who is gone now, or whose
// keys are: whoever has these keys, and an old copy of the file, still opens
// the escrows of that time. None if the user is no officer.
func (s *Session) generations(c *change, officer bool) (generations, error) {
	gens := generations{}
	if !officer || c.h.Reset == resetDropsKeys {
		return gens, nil
	}
	for i := range s.roster.Users {
		u := &s.roster.Users[i]
		if Role(u.Role) != CU {
			continue
		}
		p, err := c.currentPublic(u)
		if err != nil {
			return nil, err
		}
		gens[string(u.ID)] = p.Gen
	}
	return gens, nil
}

func without(users []record.User, id string) []record.User {
	var rest []record.User
	for _, u := range users {
		if string(u.ID) != id {
			rest = append(rest, u)
		}
	}
	return rest
}

// drop removes a record that holds a secret, if it is there.
func (c *change) drop(n record.Name) error {
	b, err := c.get(n)
	if err != nil || b == nil {
		return err
	}
	c.scrub = true
	return c.del(n)
}

// dropEscrows removes what was left of this user for officers, and for this
// user as an officer.
func (c *change) dropEscrows(r *roster, id string) error {
	for i := range r.Users {
		other := string(r.Users[i].ID)
		for _, n := range []record.Name{record.EscrowName(id, other), record.EscrowName(other, id)} {
			if err := c.drop(n); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropSome removes objects and labels of a user, as many as an entry may list
// with all that others have of them.
func (c *change) dropSome(user string) (n int, err error) {
	names, err := c.someOf(user)
	if err != nil {
		return 0, err
	}
	for ; n < len(names) && len(c.wrote) < recordsPerEntry; n++ {
		if err := c.unshareAll(names[n]); err != nil {
			return 0, err
		}
		if err := c.drop(names[n]); err != nil {
			return 0, err
		}
	}
	return n, c.dropPublicLabels(names[:n])
}

// someOf names up to a thousand objects and labels of a user.
func (v *view) someOf(user string) (names []record.Name, err error) {
	collect := func(at record.Name) error {
		if len(names) >= perTransaction {
			return store.ErrStop
		}
		names = append(names, at)
		return nil
	}
	if err := v.eachOwned(user, collect); err != nil {
		return nil, err
	}
	for _, prefix := range []record.Name{record.LabelsOf(user), record.OfferPrefix(user), record.SharePrefix(user)} {
		if err := v.scan(prefix, "", func(at record.Name, _ []byte) error { return collect(at) }); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// unshareAll takes a key that is about to go from all it is shared with.
func (c *change) unshareAll(n record.Name) error {
	if n.Kind() != record.KindKey {
		return nil
	}
	var k record.Key
	if ok, err := c.load(n, &k); err != nil || !ok {
		return err
	}
	return c.dropShares(k.Shared, record.RefOf(n))
}

// dropPublicLabels removes the labels of public-key objects among names. They
// are found by reference: whoever finishes a deletion has no key of the index.
func (c *change) dropPublicLabels(names []record.Name) error {
	gone := map[uint64]bool{}
	for _, n := range names {
		if n.Kind() == record.KindPubObj {
			gone[record.RefOf(n)] = true
		}
	}
	if len(gone) == 0 {
		return nil
	}
	var labels []record.Name
	err := c.scan(record.LabelsOf(record.CommonOwner), "", func(n record.Name, _ []byte) error {
		if gone[record.RefOf(n)] {
			labels = append(labels, n)
		}
		return nil
	})
	for _, n := range labels {
		if err == nil {
			err = c.drop(n)
		}
	}
	return err
}
