package hsmfile

import (
	"context"

	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/seal"
	"filehsm/hsmfile/secret"
)

// ResetPassword sets another user's password and unlocks him. CO only. Where
// the officer has the CU's escrow, the keys stay; without escrow the user gets
// a new first secret, and a CU's keys are deleted: dropped says how many.
func (s *Session) ResetPassword(ctx context.Context, name string, password *secret.Bytes) (dropped int, err error) {
	role, err := s.roleOf(ctx, name)
	if err != nil {
		return 0, err
	}
	if err := ValidatePassword(role, password); err != nil {
		return 0, err
	}
	lk, err := newLock(password)
	if err != nil {
		return 0, err
	}
	defer lk.kek.Wipe()
	err = s.write(ctx, opResetPassword, func(c *change) error {
		u, err := s.other(name)
		if err != nil {
			return err
		}
		if string(u.ID) == s.id() {
			return refuse(ErrDenied, "filehsm user change-password without --username changes your own", "%s: a reset is for another user's password", s.im.path)
		}
		dropped, err = s.reset(c, u, lk)
		return err
	})
	return dropped, err
}

// roleOf is the role of the user acted on, for the rules of his password.
func (s *Session) roleOf(ctx context.Context, name string) (role Role, err error) {
	err = s.read(ctx, opResetPassword, func(*view) error {
		u, err := s.other(name)
		if err == nil {
			role = Role(u.Role)
		}
		return err
	})
	return role, err
}

func (s *Session) reset(c *change, u *record.User, lk *lock) (dropped int, err error) {
	switch {
	case Role(u.Role) != CU:
		err = s.resetAnew(c, u, lk)
	case c.h.Reset == resetKeepsKeys:
		err = s.resetKeeping(c, u, lk)
	default:
		dropped, err = s.replace(c, u, lk)
	}
	if err != nil {
		return 0, err
	}
	e := s.entry(c, opResetPassword)
	e.Subject = u.Name
	if err := c.record(e); err != nil {
		return 0, err
	}
	return dropped, c.signHead(s.author())
}

// freshStart is what each reset of a user who stays brings: no session of his
// goes on, and no failure counts.
func (c *change) freshStart(id string) error {
	if err := c.endSessions(id); err != nil {
		return err
	}
	return c.putCounter(record.Counter{User: []byte(id)})
}

// resetKeeping seals the CU's secret, opened from escrow, under the new
// password; nothing else of his changes.
func (s *Session) resetKeeping(c *change, u *record.User, lk *lock) error {
	cu, err := s.openEscrow(&c.view, u)
	if err != nil {
		return err
	}
	old, err := c.loadLogin(u)
	if err != nil {
		return err
	}
	l := &record.Login{User: u.ID, Gen: old.Gen, First: old.First, Older: old.Older}
	if err := c.freshStart(string(u.ID)); err != nil {
		return err
	}
	return c.putLogin(l, cu.keys, lk, s.name)
}

// replace gives a CU's name to a new user who owns nothing: where nobody has
// escrow, no one can open the old one's keys any more. They go as those of a
// deleted user do, a thousand a transaction.
func (s *Session) replace(c *change, u *record.User, lk *lock) (dropped int, err error) {
	if dropped, err = c.countOwned(string(u.ID)); err != nil {
		return 0, err
	}
	n := &newUser{row: record.User{ID: seal.Random(record.UserIDSize), Name: u.Name, Role: u.Role, Created: u.Created}, lock: lk}
	if err := n.makeKeys(nil); err != nil {
		return 0, err
	}
	common, err := s.common(&c.view)
	if err != nil {
		return 0, err
	}
	if err := c.putPublic(n.public); err != nil {
		return 0, err
	}
	r, err := s.removeUser(c, u, n)
	if err != nil {
		return 0, err
	}
	return dropped, c.putUser(n, r, s.name, common)
}

// makeKeys gives a user a new secret and public keys; prev are those that he
// had before, nil if none.
func (n *newUser) makeKeys(prev *record.Public) (err error) {
	if n.keys, err = seal.KeysOf(seal.NewUserSecret()); err != nil {
		return err
	}
	if n.public, err = newPublic(string(n.row.ID), n.keys, prev, nil); err != nil {
		return err
	}
	n.row.Gen, n.row.Public = n.public.Gen, n.public.Hash()
	return nil
}

// resetAnew gives an officer or AU a new first secret, which the roster
// vouches for.
func (s *Session) resetAnew(c *change, u *record.User, lk *lock) error {
	prev, err := c.currentPublic(u)
	if err != nil {
		return err
	}
	n := &newUser{row: *u, lock: lk}
	if err := n.makeKeys(prev); err != nil {
		return err
	}
	if err := c.putPublic(n.public); err != nil {
		return err
	}
	gens, err := s.generations(c, Role(u.Role) == CO)
	if err != nil {
		return err
	}
	r, err := c.putRoster(s.roster, s.signer(), func(r *record.Roster) {
		*r.ByID(string(u.ID)) = n.row
		gens.outdate(r)
	})
	if err != nil {
		return err
	}
	common, err := s.common(&c.view)
	if err != nil {
		return err
	}
	if err := c.freshStart(string(u.ID)); err != nil {
		return err
	}
	if err := c.putUser(n, r, s.name, common); err != nil {
		return err
	}
	if Role(u.Role) == CO {
		err = s.passEscrowOn(c, &n.row)
	}
	return s.pin(c, r, err)
}
