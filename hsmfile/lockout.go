package hsmfile

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"filehsm/hsmfile/internal/chain"
	"filehsm/hsmfile/internal/record"
)

// What the last wrong attempt does.
const (
	actionZeroize = "zeroize"
	actionLock    = "lock"
)

const defaultLockout = "three-strikes"

// lockoutPresets is the whole rule: after how many wrong passwords in a row
// what happens, by role. three-strikes is Luna's rule for its security
// officer, cloudhsm that of AWS CloudHSM (accounts lock, nothing is wiped).
var lockoutPresets = map[string][]LockoutRule{
	"three-strikes": {{CO, 3, actionZeroize}, {CU, 3, actionLock}, {AU, 3, actionLock}},
	"strict":        {{CO, 3, actionZeroize}, {CU, 3, actionZeroize}, {AU, 3, actionZeroize}},
	"cloudhsm":      {{CO, 5, actionLock}, {CU, 5, actionLock}, {AU, 5, actionLock}},
}

func presetNames() string {
	return strings.Join(slices.Sorted(maps.Keys(lockoutPresets)), ", ")
}

// lockoutOf is the rule of one role; missing means the strictest.
func lockoutOf(preset string, role Role) LockoutRule {
	for _, rule := range lockoutPresets[preset] {
		if rule.Role == role {
			return rule
		}
	}
	return LockoutRule{Role: role, Attempts: 1, Action: actionLock}
}

// left is how many attempts a counter leaves.
func (l LockoutRule) left(n record.Counter) int {
	if n.Locked {
		return 0
	}
	return max(0, l.Attempts-int(n.Failures))
}

// lockedOut is the refusal of a locked account, with the way out.
func (v *view) lockedOut(r *roster, u *record.User) error {
	hint := "a CO unlocks it: filehsm user unlock --username " + u.Name
	stuck, err := v.stuck(r, u)
	if err != nil {
		return err
	}
	if stuck {
		hint = v.wayOut(r)
	}
	return refuse(ErrLocked, hint, "%s: account %q is locked", v.im.path, u.Name)
}

// wayOut is what is left where no CO can unlock anybody: a restore, for counters
// begin anew. It is none without a backup of today.
func (v *view) wayOut(r *roster) string {
	if len(r.Vaults) == 0 || !v.makesBackup(r) {
		return "no CO is left who could unlock it, and no AU or no vault for a backup that a restore could bring back: the CUs can go on, and wrap their keys; do not zeroize"
	}
	return "no CO is left who could unlock it, but a restore does: an AU makes a backup, filehsm backup create; then filehsm zeroize --no-login and " + v.restoreCommand()
}

// stuck says whether nobody could unlock a user: there is no other CO, or all are
// locked.
func (v *view) stuck(r *roster, u *record.User) (bool, error) {
	for i := range r.Users {
		other := &r.Users[i]
		if Role(other.Role) != CO || other.Name == u.Name {
			continue
		}
		n, err := v.loadCounter(other)
		if errors.Is(err, ErrIntegrity) {
			continue // he cannot log in
		}
		last := n.Open && lockoutOf(r.Policy.Lockout, CO).left(n) == 0 // a killed attempt: whoever opens next locks him
		if err != nil || !n.Locked && !last {
			return false, err
		}
	}
	return true, nil
}

// makesBackup says whether there is an AU who is not locked.
func (v *view) makesBackup(r *roster) bool {
	return slices.ContainsFunc(r.Users, func(u record.User) bool {
		n, err := v.loadCounter(&u)
		return Role(u.Role) == AU && err == nil && !n.Locked
	})
}

// loadCounter reads a user's counter. One that is missing or damaged is a
// refusal, never a fresh start: it would be a free attempt.
func (v *view) loadCounter(u *record.User) (record.Counter, error) {
	b, err := v.r.Get(record.CounterKey(string(u.ID)))
	if err != nil {
		return record.Counter{}, err
	}
	n, err := v.im.counter.of(b, record.DecodeCounter)
	if err == nil && string(n.User) != string(u.ID) {
		err = record.ErrMalformed
	}
	if err != nil {
		return n, v.im.damaged(fmt.Sprintf("login counter of user %q", u.Name), err)
	}
	return n, nil
}

func (c *change) putCounter(n record.Counter) error {
	return c.w.Put(record.CounterKey(string(n.User)), record.EncodeCounter(n))
}

// failed settles an attempt that was counted and was wrong, or was never
// finished: the entry, and what the limit brings.
func (c *change) failed(r *roster, u *record.User, n record.Counter, result string) error {
	n.Open = false
	rule := lockoutOf(r.Policy.Lockout, Role(u.Role))
	if int(n.Failures) >= rule.Attempts && rule.Action == actionLock {
		n.Locked = true
	}
	if err := c.putCounter(n); err != nil {
		return err
	}
	e := c.entryOf(u, chain.Login)
	e.Result = result
	if err := c.record(e); err != nil {
		return err
	}
	switch {
	case int(n.Failures) < rule.Attempts:
		return nil
	case rule.Action == actionLock:
		return c.locked(u)
	}
	return c.zeroize(chain.Entry{Opcode: chain.Zeroize, Subject: u.Name, Result: "SUCCESS: too many failed logins"})
}

// locked ends the sessions of a user whose account has just been locked.
func (c *change) locked(u *record.User) error {
	if err := c.endSessions(string(u.ID)); err != nil {
		return err
	}
	return c.record(chain.Entry{Opcode: chain.LockUser, Subject: u.Name, Role: 0, Epoch: c.epoch()})
}

// entryOf begins an entry of what a user did.
func (c *change) entryOf(u *record.User, op chain.Opcode) chain.Entry {
	return chain.Entry{Opcode: op, User: u.ID, Username: u.Name, Role: u.Role, Epoch: c.epoch()}
}

// epoch is that of the roster in force, for the entry.
func (c *change) epoch() uint64 {
	r, err := c.newestRoster()
	if err != nil || r == nil {
		return 0
	}
	return r.Epoch
}
