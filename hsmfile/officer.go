package hsmfile

import (
	"context"
	"errors"

	"filehsm/hsmfile/internal/chain"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/seal"
	"filehsm/hsmfile/secret"
)

// Activate makes the first CO of an uninitialized image, and with him the
// first roster, whose hash is the image's fingerprint.
func (im *Image) Activate(ctx context.Context, name string, password *secret.Bytes) (*Session, error) {
	n, err := prepareUser(name, CO, password)
	if err != nil {
		return nil, err
	}
	defer n.lock.kek.Wipe()
	var s *Session
	var active *Info
	err = im.update(ctx, func(c *change) error {
		s, err = c.activate(n)
		active = c.info()
		return err
	})
	if err != nil {
		return nil, err
	}
	im.info.Store(active)
	return s, nil
}

// activate writes the first roster and its one user, and returns his session.
func (c *change) activate(n *newUser) (*Session, error) {
	if err := c.needState(Uninitialized); err != nil {
		return nil, err
	}
	if err := c.putPublic(n.public); err != nil {
		return nil, err
	}
	n.row.Created = c.now
	first := &record.Roster{Users: []record.User{n.row}, Policy: record.Policy{Lockout: c.h.Lockout, AuditLevel: auditState}}
	r, err := c.putFirstRoster(first, signer{string(n.row.ID), n.keys})
	if err != nil {
		return nil, err
	}
	if err := c.putUser(n, r, n.row.Name, seal.NewKey()); err != nil {
		return nil, err
	}
	e := chain.Entry{Opcode: chain.ChangePassword, Username: PRECO.String(), Role: uint8(PRECO), Subject: n.row.Name, Epoch: r.Epoch}
	if err := c.record(e); err != nil {
		return nil, err
	}
	if err := c.signHead(n.author()); err != nil {
		return nil, err
	}
	l, err := c.loadLogin(&n.row)
	if err != nil {
		return nil, err
	}
	s := newSession(c.im, &n.row, l, n.keys)
	return s, s.check(&c.view, opSession)
}

// createOpcodes is the opcode of a user's creation by role.
var createOpcodes = map[Role]chain.Opcode{CO: chain.CreateCO, CU: chain.CreateUser, AU: chain.CreateAU}

// CreateUser makes a user with a first password, which its maker knows until
// the user changes it. CO only.
func (s *Session) CreateUser(ctx context.Context, name string, role Role, password *secret.Bytes) error {
	opcode, ok := createOpcodes[role]
	if !ok {
		return refuse(ErrUsage, "the roles are CO, CU and AU", "a %s cannot be created", role)
	}
	n, err := prepareUser(name, role, password)
	if err != nil {
		return err
	}
	defer n.wipe()
	return s.write(ctx, opCreateUser, func(c *change) error {
		if err := s.mayAdd(n.row.Name); err != nil {
			return err
		}
		if err := s.addUser(c, n); err != nil {
			return err
		}
		e := s.entryAs(c, opcode)
		e.Subject = n.row.Name
		if err := c.record(e); err != nil {
			return err
		}
		return c.signHead(s.author())
	})
}

func (s *Session) mayAdd(name string) error {
	if s.roster.ByName(name) != nil {
		return refuse(ErrUsage, "choose another name: filehsm user list", "%s: user %q exists already", s.im.path, name)
	}
	if len(s.roster.Users) >= maxUsers {
		return refuse(ErrDenied, "delete users who are gone: filehsm user delete", "%s: an image has at most %d users", s.im.path, maxUsers)
	}
	return nil
}

// addUser writes the new user's records and the roster that names him.
func (s *Session) addUser(c *change, n *newUser) error {
	if err := c.putPublic(n.public); err != nil {
		return err
	}
	n.row.Created = c.now
	r, err := c.putRoster(s.roster, s.signer(), func(r *record.Roster) {
		r.Users = append(r.Users, n.row)
		sortUsers(r)
	})
	if err != nil {
		return err
	}
	common, err := s.common(&c.view)
	if err != nil {
		return err
	}
	if err := c.putUser(n, r, s.name, common); err != nil {
		return err
	}
	if Role(n.row.Role) == CO {
		err = s.passEscrowOn(c, &n.row)
	}
	return s.pin(c, r, err)
}

// pin has this officer remember r, which he has just signed.
func (s *Session) pin(c *change, r *roster, err error) error {
	if err == nil {
		err = c.putPins(s.id(), s.keys, s.login.Gen, r)
	}
	return err
}

// passEscrowOn gives a new officer, or one with new keys, what this officer
// can open: each CU's secret.
func (s *Session) passEscrowOn(c *change, to *record.User) error {
	if c.h.Reset == resetDropsKeys {
		return nil
	}
	for i := range s.roster.Users {
		u := &s.roster.Users[i]
		if Role(u.Role) != CU {
			continue
		}
		cu, err := s.openEscrow(&c.view, u)
		if err != nil {
			return err
		}
		if err := c.escrowOne(to, cu); err != nil {
			return err
		}
	}
	return nil
}

// openEscrow opens a CU's secret as an officer, and checks that it is the one
// that the CU's public keys were made from.
func (s *Session) openEscrow(v *view, u *record.User) (author, error) {
	n := record.EscrowName(string(u.ID), s.id())
	us, err := v.take(n, placeEscrow, s.roster, string(u.ID), func(gen uint32) (*seal.UserKeys, error) { return s.keysAt(v, gen) })
	if err != nil {
		return author{}, err
	}
	keys, err := seal.KeysOf(us)
	if err != nil {
		return author{}, err
	}
	public, err := v.currentPublic(u)
	if err != nil {
		return author{}, err
	}
	if string(keys.Verifier()) != string(public.Verifier) {
		return author{}, v.im.damaged("escrow record", errors.New("it is not of the user's newest keys"))
	}
	return author{string(u.ID), public.Gen, keys}, nil
}

// Unlock sets a user's failed logins to zero. CO only.
func (s *Session) Unlock(ctx context.Context, name string) error {
	return s.write(ctx, opUnlock, func(c *change) error {
		u, err := s.other(name)
		if err != nil {
			return err
		}
		if err := c.putCounter(record.Counter{User: u.ID}); err != nil {
			return err
		}
		e := s.entry(c, opUnlock)
		e.Subject = u.Name
		return c.record(e)
	})
}

// other finds the user that an officer acts on.
func (s *Session) other(name string) (*record.User, error) {
	u := s.roster.ByName(foldName(name))
	if u == nil {
		return nil, refuse(ErrNotFound, "filehsm user list shows the users", "%s: no user %q", s.im.path, name)
	}
	return u, nil
}
