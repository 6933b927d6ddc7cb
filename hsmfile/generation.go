package hsmfile

import (
	"context"

	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/seal"
	"filehsm/hsmfile/secret"
)

// ChangePassword sets the user's own password. It makes a new generation:
// whoever knew the old password gets nothing that is made from here on.
func (s *Session) ChangePassword(ctx context.Context, password *secret.Bytes) error {
	if err := ValidatePassword(s.Role(), password); err != nil {
		return err
	}
	lk, err := newLock(password)
	if err != nil {
		return err
	}
	defer lk.kek.Wipe()
	return s.newGeneration(ctx, opChangeOwn, lk)
}

// renewIfAsked makes a new generation under the same password, where an
// officer who held this user's escrow is gone since.
func (s *Session) renewIfAsked(ctx context.Context, kek *secret.Bytes) error {
	if s.login.Gen >= s.user.MinGen {
		return nil
	}
	return s.newGeneration(ctx, opRenewKeys, &lock{s.login.KDF, kek, s.login})
}

// newGeneration gives the user a new secret, with the older ones sealed under
// it, and all that hangs on it.
func (s *Session) newGeneration(ctx context.Context, op operation, lk *lock) error {
	keys, err := seal.KeysOf(seal.NewUserSecret())
	if err != nil {
		return err
	}
	var next *record.Login
	s.mu.Lock()
	defer s.mu.Unlock()
	write := func(c *change) error {
		if next, err = s.putGeneration(c, lk, keys); err != nil {
			return err
		}
		if err := c.endSessions(s.id()); err != nil {
			return err
		}
		e := s.entry(c, op)
		e.Subject = s.name
		if err := c.record(e); err != nil {
			return err
		}
		return c.signHead(s.author())
	}
	if err := s.adopting(ctx, func() error { return s.writeNow(ctx, op, write) }); err != nil {
		return err
	}
	older := s.older
	s.become(next, keys)
	for gen, k := range older {
		s.older[gen] = k
	}
	return nil
}

// putGeneration writes the records of a new generation.
func (s *Session) putGeneration(c *change, lk *lock, keys *seal.UserKeys) (*record.Login, error) {
	common, err := s.common(&c.view) // first: it is signed with the keys that are newest now
	if err != nil {
		return nil, err
	}
	public, err := s.putNextPublic(c, keys)
	if err != nil {
		return nil, err
	}
	next := author{s.id(), public.Gen, keys}
	l, err := s.nextLogin(c, lk, keys)
	if err != nil {
		return nil, err
	}
	if err := c.leaveCommon(next, public, common); err != nil {
		return nil, err
	}
	r, err := s.rosterOfGeneration(c, public)
	if err != nil {
		return nil, err
	}
	if err := c.putPins(s.id(), keys, public.Gen, r); err != nil {
		return nil, err
	}
	if s.Role() != CU {
		return l, nil
	}
	held, err := c.loadHoldings(s.id(), s.keys)
	if err != nil {
		return nil, err
	}
	if err := c.putHoldings(s.id(), keys, public.Gen, held); err != nil {
		return nil, err
	}
	return l, c.escrowTo(r, next)
}

// putNextPublic writes the new public keys, signed with the old ones.
func (s *Session) putNextPublic(c *change, keys *seal.UserKeys) (*record.Public, error) {
	old, err := c.currentPublic(&s.user)
	if err != nil {
		return nil, err
	}
	public, err := newPublic(s.id(), keys, old, s.keys)
	if err != nil {
		return nil, err
	}
	return public, c.putPublic(public)
}

// nextLogin writes the login record: the new secret under the password, the
// one before under the new one.
func (s *Session) nextLogin(c *change, lk *lock, keys *seal.UserKeys) (*record.Login, error) {
	sealed, err := seal.Seal(keys.Sealing(), c.olderPlace(s.user.ID, s.login.Gen), s.keys.Secret().Reveal())
	if err != nil {
		return nil, err
	}
	l := &record.Login{User: s.user.ID, Gen: s.login.Gen + 1, First: s.login.First}
	l.Older = append(append(l.Older, s.login.Older...), sealed)
	return l, c.putLogin(l, keys, lk, s.name)
}

// rosterOfGeneration is the roster in force afterwards: an officer's new keys
// are in a new one, signed with his old key; others sign for themselves.
func (s *Session) rosterOfGeneration(c *change, public *record.Public) (*roster, error) {
	if s.Role() != CO {
		return s.roster, nil
	}
	gens, err := s.generations(c, true)
	if err != nil {
		return nil, err
	}
	return c.putRoster(s.roster, s.signer(), func(r *record.Roster) {
		u := r.ByID(s.id())
		u.Gen, u.Public = public.Gen, public.Hash()
		gens.outdate(r)
	})
}
