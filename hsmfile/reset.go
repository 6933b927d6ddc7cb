package hsmfile

import (
	"context"

	"filehsm/hsmfile/internal/chain"
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
	if Role(u.Role) == CU && c.h.Reset == resetKeepsKeys {
		err = s.resetKeeping(c, u, lk)
	} else {
		dropped, err = s.resetAnew(c, u, lk)
	}
	if err != nil {
		return 0, err
	}
	if err := c.endSessions(string(u.ID)); err != nil {
		return 0, err
	}
	if err := c.putCounter(record.Counter{User: u.ID}); err != nil {
		return 0, err
	}
	e := s.entry(c, chain.ChangePassword)
	e.Subject = u.Name
	if err := c.record(e); err != nil {
		return 0, err
	}
	return dropped, c.signHead(s.author())
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
	return c.putLogin(l, cu.keys, lk, s.user.Name)
}

// resetAnew gives the user a new first secret, which the roster vouches for.
func (s *Session) resetAnew(c *change, u *record.User, lk *lock) (dropped int, err error) {
	if Role(u.Role) == CU {
		if dropped, err = c.dropAllOf(string(u.ID)); err != nil {
			return 0, err
		}
	}
	n := &newUser{row: *u, lock: lk}
	if n.keys, err = seal.KeysOf(seal.NewUserSecret()); err != nil {
		return 0, err
	}
	prev, err := c.currentPublic(u)
	if err != nil {
		return 0, err
	}
	if n.public, err = newPublic(string(u.ID), n.keys, prev, nil); err != nil {
		return 0, err
	}
	if err := c.putPublic(n.public); err != nil {
		return 0, err
	}
	n.row.Gen, n.row.Public = n.public.Gen, n.public.Hash()
	gens, err := s.generations(c, Role(u.Role) == CO)
	if err != nil {
		return 0, err
	}
	r, err := c.putRoster(s.roster, s.signer(), func(r *record.Roster) {
		*r.ByID(string(u.ID)) = n.row
		gens.outdate(r)
	})
	if err != nil {
		return 0, err
	}
	common, err := s.common(&c.view)
	if err != nil {
		return 0, err
	}
	if err := c.putUser(n, r, s.user.Name, common); err != nil {
		return 0, err
	}
	if Role(u.Role) == CO {
		err = s.passEscrowOn(c, &n.row)
	}
	return dropped, s.adopt(c, r, err)
}
