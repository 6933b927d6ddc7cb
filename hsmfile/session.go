package hsmfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"filehsm/hsmfile/internal/chain"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/seal"
	"filehsm/hsmfile/secret"
)

// Session is one user who proved to be one. Every method checks anew, in its
// own transaction, that the user may still do this.
type Session struct {
	im   *Image
	who  string // the user's id; it, the name and the role stay while the session lasts
	name string
	role Role

	mu            sync.Mutex  // guards what follows
	user          record.User // as the newest verified roster has it
	login         *record.Login
	loginHash     []byte
	keys          *seal.UserKeys            // of the newest generation
	older         map[uint32]*seal.UserKeys // opened so far
	roster        *roster                   // newest that was verified
	publics       map[publicKey]*record.Public
	opened        commonKey
	known         knownHoldings
	persisted     *persisted // with the login; Persist gives it out
	failuresSince int
	closed        bool
}

// commonKey is the image's common key, and what it was taken from: opening it
// costs a signature and a decapsulation, and one command needs it many times.
type commonKey struct {
	key    *secret.Bytes
	stored []byte
	under  *roster
}

func newSession(im *Image, u *record.User, l *record.Login, keys *seal.UserKeys) *Session {
	harden()
	s := &Session{im: im, who: string(u.ID), name: u.Name, role: Role(u.Role), user: *u, publics: map[publicKey]*record.Public{}}
	s.become(l, keys)
	return s
}

// become takes up a login record and the keys that it holds.
func (s *Session) become(l *record.Login, keys *seal.UserKeys) {
	s.login, s.loginHash, s.keys = l, record.Hash(record.Encode(l)), keys
	s.older = map[uint32]*seal.UserKeys{l.Gen: keys}
}

// Username is the user's name, Role his role, Image the image.
func (s *Session) Username() string { return s.name }

// Role is the user's role.
func (s *Session) Role() Role { return s.role }

// Image is the image that the session is on.
func (s *Session) Image() *Image { return s.im }

// FailuresSince is how many logins of this user failed since the last right one.
func (s *Session) FailuresSince() int { return s.failuresSince }

// Close forgets the keys, best effort as secret.Wipe is, and ends the session:
// what it is asked to do from then on is refused.
func (s *Session) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed, s.known = true, knownHoldings{}
	if s.persisted != nil {
		s.persisted.key.Wipe()
		s.persisted = nil
	}
	for _, k := range s.older {
		k.Wipe()
	}
	if s.opened.key != nil {
		s.opened.key.Wipe()
	}
}

func (s *Session) id() string { return s.who }

func (s *Session) author() author { return author{s.id(), s.login.Gen, s.keys} }

func (s *Session) signer() signer { return signer{s.id(), s.keys} }

// keysAt opens a generation of the user's own keys.
func (s *Session) keysAt(v *view, gen uint32) (*seal.UserKeys, error) {
	if k := s.older[gen]; k != nil {
		return k, nil
	}
	if gen > s.login.Gen || gen < s.login.First {
		return nil, v.im.damaged("record", fmt.Errorf("it is sealed under generation %d of user %q, who has none such", gen, s.name))
	}
	newer, err := s.keysAt(v, gen+1)
	if err != nil {
		return nil, err
	}
	k, err := v.older(s.login, gen, newer)
	if err == nil {
		s.older[gen] = k
	}
	return k, err
}

// check is the door: the state, the role's right, the roster as far as the
// user himself can vouch for it, and that he is still who he was.
func (s *Session) check(v *view, op operation) error {
	if s.closed {
		return refuse(ErrState, "log in again: filehsm login --username "+s.name, "%s: the session of %q is over", v.im.path, s.name)
	}
	if v.im.waits != nil {
		return v.im.waits
	}
	if err := v.needState(Active); err != nil {
		return err
	}
	b, err := v.get(record.LoginName(s.id()))
	if err != nil {
		return err
	}
	if !bytes.Equal(record.Hash(b), s.loginHash) {
		return s.outdated(v)
	}
	if err := s.followRoster(v); err != nil {
		return err
	}
	u := s.roster.ByID(s.id())
	if u == nil || Role(u.Role) != s.role {
		return s.removed(v)
	}
	s.user = *u
	if !slices.Contains(operations[op].roles, Role(u.Role)) {
		return denyRole(v.im.path, s, op)
	}
	n, err := v.loadCounter(u)
	if err == nil && n.Locked {
		err = v.lockedOut(s.roster, u)
	}
	return err
}

// outdated says why the login record is another one than at login. It comes
// before the roster is followed: the pins are gone with a deleted user, and do
// not open with an older password's keys.
func (s *Session) outdated(v *view) error {
	r, err := v.publicRoster()
	if err != nil {
		return err
	}
	u := r.ByID(s.id())
	if u == nil {
		return s.removed(v)
	}
	if _, err := v.loadLogin(u); err != nil {
		return err
	}
	return refuse(ErrDenied, "log in again: filehsm login --username "+s.name, "%s: the password of %q was changed meanwhile", v.im.path, s.name)
}

func (s *Session) removed(v *view) error {
	return refuse(ErrDenied, "ask a CO: filehsm user list", "%s: user %q is no longer in this image", v.im.path, s.name)
}

// followRoster verifies the roster in force, unless it is the one that this
// session verified before.
func (s *Session) followRoster(v *view) error {
	_, b, err := v.r.Last(v.key(record.RosterPrefix()))
	if err != nil {
		return err
	}
	if s.roster != nil && bytes.Equal(s.roster.stored, b) {
		return nil
	}
	pins, err := v.loadPins(s.id(), s.keys)
	if err != nil {
		return err
	}
	r, err := v.pinnedRoster(pins)
	if err == nil {
		s.roster = r
	}
	return err
}

// read runs fn over one revision, for an operation that leaves no trace.
func (s *Session) read(ctx context.Context, op operation, fn func(*view) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.adopting(ctx, func() error { return s.readNow(ctx, op, fn) })
}

func (s *Session) readNow(ctx context.Context, op operation, fn func(*view) error) error {
	return s.im.view(ctx, func(v *view) error {
		if err := s.enter(v, op); err != nil {
			return err
		}
		return fn(v)
	})
}

// write runs fn in one transaction; fn ends with c.record.
func (s *Session) write(ctx context.Context, op operation, fn func(*change) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.adopting(ctx, func() error { return s.writeNow(ctx, op, fn) })
}

// writeNow is write for who holds the session's lock. It does not change
// anything while offers wait.
func (s *Session) writeNow(ctx context.Context, op operation, fn func(*change) error) error {
	return s.im.update(ctx, func(c *change) error {
		if err := s.enter(&c.view, op); err != nil {
			return err
		}
		return fn(c)
	})
}

// enter is check, and that no offers wait, which are taken up first: the user
// sees all that was left for him.
func (s *Session) enter(v *view, op operation) error {
	if err := s.check(v, op); err != nil || op == opAdopt {
		return err
	}
	return s.noOffers(v)
}

// use is read for the plain use of keys, which the policy may want recorded:
// then the entry is durable before the result is given out.
func (s *Session) use(ctx context.Context, op operation, fn func(*view) ([]uint64, error)) error {
	err := s.read(ctx, op, func(v *view) error {
		if s.roster.Policy.AuditLevel == auditAll {
			return errRecorded
		}
		_, err := fn(v)
		return err
	})
	if !errors.Is(err, errRecorded) {
		return err
	}
	return s.write(ctx, op, func(c *change) error {
		refs, err := fn(&c.view)
		if err != nil {
			return err
		}
		e := s.entry(c, op)
		e.Keys = refs
		return c.record(e)
	})
}

// errRecorded ends a read of what is to be recorded.
var errRecorded = errors.New("every use is recorded")

// entry begins an audit entry of what this user did.
func (s *Session) entry(c *change, op operation) chain.Entry {
	return s.entryAs(c, operations[op].opcode)
}

// entryAs is entry where one operation has several opcodes.
func (s *Session) entryAs(c *change, code chain.Opcode) chain.Entry { return c.entryOf(&s.user, code) }

// common opens the image's common key; it is the session's to wipe.
func (s *Session) common(v *view) (*secret.Bytes, error) {
	n := record.CommonName(s.id())
	stored, err := v.get(n)
	if err != nil {
		return nil, err
	}
	if o := s.opened; o.key != nil && o.under == s.roster && bytes.Equal(o.stored, stored) {
		return o.key, nil
	}
	key, err := v.take(n, placeCommon, s.roster, s.id(), func(gen uint32) (*seal.UserKeys, error) {
		return s.keysAt(v, gen)
	})
	if err == nil {
		s.opened = commonKey{key, stored, s.roster}
	}
	return key, err
}

// signHead signs the newest entry with a user's own key.
func (c *change) signHead(by author) error {
	h := record.Head{Sequence: c.before.Sequence, Hash: c.before.Hash, Epoch: c.before.Epoch,
		User: []byte(by.id), Gen: by.gen, Verifier: by.keys.Verifier()}
	h.Sig = by.keys.Sign(signHead, h.Signed())
	return c.w.Put(record.HeadKey(h.Sequence, by.id), record.Encode(&h))
}
