package hsmfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/seal"
	"filehsm/hsmfile/internal/store"
	"filehsm/hsmfile/secret"
)

// Credentials are what a login offers. A Role other than 0 must be the
// user's. LastAttempt goes on where one more failure wipes the image.
type Credentials struct {
	Username    string
	Role        Role
	Password    *secret.Bytes
	LastAttempt bool
	SessionTTL  time.Duration // if not 0, what Persist will be asked for, and must be: it is done in the login's own transaction
}

// Results of a login's audit entry, in CloudHSM's words where it has them.
const (
	resultWrong       = "RET_USER_LOGIN_FAILURE"
	resultInterrupted = "RET_USER_LOGIN_FAILURE: interrupted"
)

// attempt is one login on its way.
type attempt struct {
	im     *Image
	cred   Credentials
	user   *record.User
	login  *record.Login
	kek    *secret.Bytes
	before record.Counter // as it was when the attempt was counted
	rule   LockoutRule

	counting bool     // the count was put into the transaction
	session  *Session // of the right password, put into the transaction
}

// errAgain: what the attempt was prepared with has changed meanwhile.
var errAgain = errors.New("changed meanwhile")

// Login compares a password by opening the user's secret with it. Every
// attempt is counted, durably, before it is compared. Errors: ErrAuth,
// ErrLocked, ErrLastAttempt, ErrState, ErrIntegrity, ErrBusy; only ErrAuth
// was counted.
func (im *Image) Login(ctx context.Context, cred Credentials) (*Session, error) {
	if cred.Password.Len() == 0 {
		return nil, refuse(ErrUsage, "give one: --password-file FILE", "%s: no password was offered; nothing was counted", im.path)
	}
	if cred.SessionTTL != 0 {
		if err := ValidateTTL(cred.SessionTTL); err != nil {
			return nil, err
		}
	}
	for {
		a, err := im.prepareLogin(ctx, cred) // (1)
		if err != nil {
			return nil, err
		}
		s, err := a.run(ctx) // (2) to (5)
		defer a.kek.Wipe()
		if errors.Is(err, errAgain) {
			if err := im.finish(ctx); err != nil { // a killed attempt may bring a wipe
				return nil, err
			}
			continue
		}
		im.finishIfMarked(ctx)
		if err != nil {
			return nil, err
		}
		if err := s.renewIfAsked(ctx, a.kek); err != nil {
			s.Close()
			return nil, err
		}
		return s, nil
	}
}

// Admit says what Login would refuse untried, whatever the password: so that
// nobody is asked for one in vain. Errors: ErrLocked, ErrLastAttempt,
// ErrState, ErrIntegrity. Nothing is counted.
func (im *Image) Admit(ctx context.Context, cred Credentials) error {
	_, err := (&attempt{im: im, cred: cred}).look(ctx)
	return err
}

// prepareLogin reads what the attempt is made on and derives the KEK: the
// slow part, with no lock held.
func (im *Image) prepareLogin(ctx context.Context, cred Credentials) (*attempt, error) {
	a := &attempt{im: im, cred: cred}
	preset, err := a.look(ctx)
	if err != nil {
		return nil, err
	}
	if a.user == nil {
		return nil, im.unknownUser(preset, cred)
	}
	a.kek, err = a.login.KDF.Derive(cred.Password)
	return a, err
}

// look finds the user and his login record, and gives the lockout preset. An
// unknown user is no error here.
func (a *attempt) look(ctx context.Context) (preset string, err error) {
	if a.im.waits != nil {
		return "", a.im.waits
	}
	err = a.im.view(ctx, func(v *view) error {
		r, err := v.loginRoster()
		if err != nil {
			return err
		}
		preset = r.Policy.Lockout
		u := r.ByName(foldName(a.cred.Username))
		if u == nil || (a.cred.Role != 0 && a.cred.Role != Role(u.Role)) {
			return nil
		}
		a.user = u
		if a.login, err = v.loadLogin(u); err != nil {
			return err
		}
		_, err = a.admit(v, r)
		return err
	})
	return preset, err
}

// loginRoster is the roster that a login starts from. The user's own pins are
// compared once his secret is open.
func (v *view) loginRoster() (*roster, error) {
	if err := v.needState(Active); err != nil {
		return nil, err
	}
	return v.publicRoster()
}

func foldName(name string) string {
	folded, err := ValidateUsername(name)
	if err != nil {
		return "" // no user has this name; it reads like any unknown one
	}
	return folded
}

// unknownUser costs one KDF and reads like a first wrong password. It leaves
// no audit entry: what was typed as a name may be a password.
func (im *Image) unknownUser(preset string, cred Credentials) error {
	lk, err := newLock(cred.Password)
	if err != nil {
		return err
	}
	lk.kek.Wipe()
	role := cred.Role
	if role == 0 {
		role = CU
	}
	rule := lockoutOf(preset, role)
	return im.wrongPassword(rule, rule.Attempts-1)
}

// wrongPassword is the one text for a wrong password and an unknown user.
func (im *Image) wrongPassword(rule LockoutRule, left int) error {
	hint := fmt.Sprintf("%d attempts left before the account is locked", left)
	switch {
	case rule.Action == actionZeroize && left == 1:
		hint = "1 attempt left; one more failure wipes every key. Make sure of the password, or ask another CO to reset it"
	case rule.Action == actionZeroize:
		hint = fmt.Sprintf("%d attempts left before the image is wiped", left)
	case left == 1:
		hint = "1 attempt left before the account is locked"
	}
	return refuse(ErrAuth, hint, "%s: wrong user name or password", im.path)
}

// admit says whether an attempt may be made at all; nothing is counted yet.
func (a *attempt) admit(v *view, r *roster) (record.Counter, error) {
	n, err := v.loadCounter(a.user)
	if err != nil {
		return n, err
	}
	a.rule = lockoutOf(r.Policy.Lockout, Role(a.user.Role))
	if n.Locked {
		return n, v.lockedOut(r, a.user)
	}
	if a.rule.left(n) > 1 || a.cred.LastAttempt {
		return n, nil
	}
	if a.rule.Action == actionZeroize {
		return n, refuse(ErrLastAttempt, "another CO, if there is one, can reset the password: filehsm user change-password; only if you are sure of it, repeat with --last-attempt",
			"%s: refused, nothing was tried: one more wrong password for %q wipes every key", v.im.path, a.user.Name)
	}
	stuck, err := v.stuck(r, a.user)
	if err == nil && stuck {
		err = refuse(ErrLastAttempt, "only if you are sure of it, repeat with --last-attempt",
			"%s: refused, nothing was tried: one more wrong password locks %q, and no other CO could unlock him", v.im.path, a.user.Name)
	}
	return n, err
}

// run counts, compares and settles with the image held, so that attempts come
// one after another and right ones never add up. Once begun it is not
// interrupted: a Ctrl-C between counting and settling would cost an attempt.
func (a *attempt) run(ctx context.Context) (s *Session, err error) {
	err = a.im.store.Hold(ctx, func(tx store.Transactor) error {
		whole := context.WithoutCancel(ctx)
		if err := a.im.updateIn(whole, tx, a.count); err != nil { // (3)
			return a.uncount(whole, tx, err)
		}
		s, err = a.compare(whole, tx)
		return err
	})
	return s, a.im.fail(err)
}

// count is step (3): durable before anything is compared.
func (a *attempt) count(c *change) error {
	a.counting = false // a store may run this again
	r, err := c.loginRoster()
	if err != nil {
		return err
	}
	now, err := c.get(record.LoginName(string(a.user.ID)))
	if err != nil {
		return err
	}
	if !bytes.Equal(now, record.Encode(a.login)) {
		return errAgain
	}
	n, err := a.admit(&c.view, r)
	if err != nil {
		return err
	}
	if n.Open {
		return errAgain // a killed attempt since Open; Login settles it and begins again
	}
	a.before, a.counting = n, true
	n.Failures, n.Open, n.Since = n.Failures+1, true, c.now
	return c.putCounter(n)
}

// uncount is for a count that could not be written: the login is refused
// untried. Where the last sync failed, the count may be in the file all the
// same, and would be entered as an interrupted attempt that nobody made.
func (a *attempt) uncount(ctx context.Context, tx store.Transactor, why error) error {
	if !a.counting {
		return why
	}
	written := false
	err := a.im.viewIn(ctx, tx, func(v *view) error {
		n, err := v.loadCounter(a.user)
		written = n.Open
		return err
	})
	if err != nil || !written {
		return why
	}
	return a.putBack(ctx, tx, why)
}

// compare is steps (4) and (5).
func (a *attempt) compare(ctx context.Context, tx store.Transactor) (*Session, error) {
	var keys *seal.UserKeys
	err := a.im.viewIn(ctx, tx, func(v *view) (err error) {
		keys, err = v.openLogin(a.login, a.kek)
		return err
	})
	if errors.Is(err, seal.ErrOpen) {
		return nil, a.wrong(ctx, tx)
	}
	if err != nil {
		return nil, a.putBack(ctx, tx, err)
	}
	s := newSession(a.im, a.user, a.login, keys)
	s.failuresSince = int(a.before.Failures)
	if err := a.im.updateIn(ctx, tx, func(c *change) error { return a.right(c, s) }); err != nil {
		return nil, a.putBack(ctx, tx, err)
	}
	return s, nil
}

// wrong settles a wrong password and says what it brought.
func (a *attempt) wrong(ctx context.Context, tx store.Transactor) error {
	left, restore := 0, ""
	var locked error
	err := a.im.updateIn(ctx, tx, func(c *change) error {
		r, err := c.publicRoster()
		if err != nil {
			return err
		}
		n, err := c.loadCounter(a.user)
		if err != nil {
			return err
		}
		left, restore, locked = a.rule.left(n), c.restoreCommand(), c.lockedOut(r, a.user)
		return c.failed(r, a.user, n, resultWrong)
	})
	if err != nil {
		return err
	}
	if left == 0 && a.rule.Action == actionZeroize {
		return refuse(ErrAuth, "bring the keys back from the newest backup: "+restore,
			"%s: wrong password; that was the last attempt, and the image has wiped itself", a.im.path)
	}
	if left == 0 {
		return refuse(ErrAuth, "the account is locked now; "+HintOf(locked), "%s: wrong user name or password", a.im.path)
	}
	return a.im.wrongPassword(a.rule, left)
}

// right settles a right password: counter to zero, the roster followed from
// what this user saw last, entry, signed head.
func (a *attempt) right(c *change, s *Session) error {
	if err := c.putCounter(record.Counter{User: a.user.ID}); err != nil {
		return err
	}
	if err := s.check(&c.view, opLogin); err != nil {
		return err
	}
	pins, err := c.loadPins(s.id(), s.keys)
	if err != nil {
		return err
	}
	if pins.Epoch < s.roster.Epoch {
		if err := c.putPins(s.id(), s.keys, s.login.Gen, s.roster); err != nil {
			return err
		}
	}
	if err := s.persistWithLogin(c, a.cred.SessionTTL); err != nil {
		return err
	}
	a.session = s
	if err := c.record(s.entry(c, opLogin)); err != nil {
		return err
	}
	return c.signHead(s.author())
}

// putBack undoes the count after a right password that could not be settled
// (a full disk, a roster that does not verify): the user did nothing wrong.
func (a *attempt) putBack(ctx context.Context, tx store.Transactor, why error) error {
	err := a.im.updateIn(ctx, tx, func(c *change) error {
		if a.session != nil && a.session.persisted != nil { // the transaction may be there all the same
			if err := c.deleteSession(a.session.persisted.SessionToken); err != nil {
				return err
			}
		}
		return c.putCounter(a.before)
	})
	if err != nil {
		return errors.Join(why, err)
	}
	return why
}
