package hsmfile

import (
	"context"
	"errors"
	"math"

	"filehsm/hsmfile/internal/chain"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/store"
)

// deleteOrphans finishes a deletion: objects of a user who is in no roster.
func (im *Image) deleteOrphans(ctx context.Context, user, name string) error {
	for done := false; !done; {
		err := im.updateIn(ctx, im.store, func(c *change) error {
			orphan, err := c.isOrphan(user)
			if err != nil {
				return err
			}
			if done = !orphan; done {
				return c.w.Delete(record.MarkKey(record.MarkDelete + user))
			}
			n, err := c.dropSome(user)
			if err != nil {
				return err
			}
			if done = n == 0; done {
				return c.w.Delete(record.MarkKey(record.MarkDelete + user))
			}
			return c.record(chain.Entry{Opcode: chain.Tombstone, Subject: name, Epoch: c.epoch()})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// errGoing: an object is what is left of a user who is being deleted. It is
// no longer there, but neither is it damage.
var errGoing = errors.New("being deleted")

// isGoing says whether the objects of a user are being deleted.
func (v *view) isGoing(user string) (bool, error) {
	b, err := v.r.Get(record.MarkKey(record.MarkDelete + user))
	return b != nil, err
}

// orphans are the users who own key objects and are in no roster. A backup
// made while a user was being deleted has such objects, and no mark.
func (v *view) orphans(r *roster) (ids []string, err error) {
	seen := map[string]bool{}
	see := func(owner string) {
		if !seen[owner] && r.ByID(owner) == nil {
			ids = append(ids, owner)
		}
		seen[owner] = true
	}
	if err := v.owners(see); err != nil {
		return nil, err
	}
	return ids, v.scan(record.PubObjPrefix(), "", func(n record.Name, b []byte) error {
		var o record.PubObj
		if err := record.Decode(b, &o); err != nil {
			return v.im.damaged("public key object", err)
		}
		see(string(o.Owner))
		return nil
	})
}

// owners calls see for each user who owns keys. Their keys lie together: it
// reads the first of each and goes on behind the last.
func (v *view) owners(see func(owner string)) error {
	for after, done := record.Name(""), false; !done; {
		done = true
		err := v.scan(record.KeyPrefix(""), after, func(n record.Name, _ []byte) error {
			done, after = false, n
			if len(n) > record.UserIDSize {
				owner := string(n[1 : 1+record.UserIDSize])
				see(owner)
				after = record.KeyName(owner, math.MaxUint64)
			}
			return store.ErrStop
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// markOrphans has the deletions finished that a backup came between.
func (c *change) markOrphans(r *roster) error {
	ids, err := c.orphans(r)
	for _, id := range ids {
		if err == nil {
			err = c.mark(record.MarkDelete+id, "a deleted user")
		}
	}
	return err
}

// isOrphan says whether a user is in no roster. A mark alone must not delete
// anything: it is outside the audit chain, so anyone who can write the file
// could make us delete a user's keys, with entries that look right.
func (c *change) isOrphan(user string) (bool, error) {
	if State(c.h.State) == Uninitialized {
		return true, nil
	}
	r, err := c.publicRoster()
	if err != nil {
		return false, err
	}
	return r.ByID(user) == nil, nil
}
