package hsmfile

import (
	"slices"
	"strings"
	"unicode"

	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/seal"
	"filehsm/hsmfile/secret"
)

// maxUsers is CloudHSM's quota on hsm2m.medium, less what would make an
// officer's creation write more than one transaction may.
const maxUsers = 900

// maxUsername is CloudHSM's bound, in characters.
const maxUsername = 31

// ValidateUsername checks a name and folds it to lower case: 1 to 31 letters,
// digits, '_', '-' or '.', a letter or digit first (CloudHSM allows '_' only;
// the others do no harm and are common).
func ValidateUsername(name string) (string, error) {
	folded := strings.ToLower(name)
	ok := len(folded) >= 1 && len(folded) <= maxUsername
	for i, r := range folded {
		letter := r <= unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r))
		ok = ok && (letter || (i > 0 && strings.ContainsRune("_-.", r)))
	}
	if !ok {
		return "", refuse(ErrUsage, "a user name is 1 to 31 letters, digits, '_', '-' or '.', and begins with a letter or digit", "invalid user name %q", name)
	}
	return folded, nil
}

// newUser is a user who is being made: what the transaction needs, all of it
// derived outside.
type newUser struct {
	row    record.User
	keys   *seal.UserKeys
	public *record.Public
	lock   *lock
}

// prepareUser derives everything that a new user needs from his password.
func prepareUser(name string, role Role, password *secret.Bytes) (*newUser, error) {
	name, err := ValidateUsername(name)
	if err != nil {
		return nil, err
	}
	if err := ValidatePassword(role, password); err != nil {
		return nil, err
	}
	n := &newUser{}
	if n.lock, err = newLock(password); err != nil {
		return nil, err
	}
	n.row = record.User{ID: seal.Random(record.UserIDSize), Name: name, Role: uint8(role)}
	return n, n.makeKeys(nil)
}

// wipe forgets a user whom somebody else has made.
func (n *newUser) wipe() {
	n.lock.kek.Wipe()
	n.keys.Wipe()
}

// author is the new user as the author of his own escrow.
func (n *newUser) author() author { return author{string(n.row.ID), n.public.Gen, n.keys} }

// putUser writes everything of a new user but his row in the roster: login,
// pins, common key, counter, and for a CU holdings and escrow.
func (c *change) putUser(n *newUser, r *roster, setBy string, common *secret.Bytes) error {
	id := string(n.row.ID)
	if err := c.putLogin(&record.Login{User: n.row.ID, Gen: n.public.Gen, First: n.public.Gen}, n.keys, n.lock, setBy); err != nil {
		return err
	}
	if err := c.putPins(id, n.keys, n.public.Gen, r); err != nil {
		return err
	}
	if err := c.leaveCommon(n.author(), n.public, common); err != nil {
		return err
	}
	if err := c.putCounter(record.Counter{User: n.row.ID}); err != nil {
		return err
	}
	if Role(n.row.Role) != CU {
		return nil
	}
	if err := c.putHoldings(id, n.keys, n.public.Gen, newHoldings()); err != nil {
		return err
	}
	return c.escrowTo(r, n.author())
}

// sortUsers keeps rosters in one order.
func sortUsers(r *record.Roster) {
	slices.SortFunc(r.Users, func(a, b record.User) int { return strings.Compare(a.Name, b.Name) })
}
