package hsmfile

import (
	"context"
	"encoding/hex"

	"filehsm/hsmfile/internal/chain"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/store"
)

// Apply writes the backup. Where nothing is, an image is made that is there
// whole or not at all (makeFile). Into a zeroized image it goes in steps, of
// which one counts:
//
//  1. marks say that a set other than the live one is to be deleted, and the
//     pages overwritten that nothing uses
//  2. the records, into a set that is not live
//  3. commit point: that set is live, the state is active, counters are zero,
//     and the entry says which backup it was
//  4. what marks ask for is done
//
// Killed before 3, the next opener deletes the set, overwrites it, and the image
// is what it was. The image is held throughout: in this state nobody can do anything
// else with it.
func (p *RestorePlan) Apply(ctx context.Context) (*Image, error) {
	if p.log != nil {
		return p.apply(ctx)
	}
	return p.makeFile(ctx)
}

// makeFile makes an image of the backup and the entry that says so, in the one
// transaction that creates a file.
func (p *RestorePlan) makeFile(ctx context.Context) (*Image, error) {
	h := *p.head
	return makeFile(ctx, p.path, p.image, &h, func(c *change) error {
		if err := p.copyAll(ctx, c.w); err != nil {
			return err
		}
		last, err := chain.Last(c.w)
		if err != nil {
			return err
		}
		c.begin(last)
		return p.commit(c, contentLive)
	})
}

// copyAll copies chain and set, whose number is the one that it has in memory.
func (p *RestorePlan) copyAll(ctx context.Context, w store.Writer) error {
	return p.content.View(ctx, func(r store.Reader) error {
		return r.Walk("", "", func(key, value []byte) error {
			if string(key) == record.HeaderKey() { // commit writes it
				return nil
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			return w.Put(string(key), value)
		})
	})
}

func (p *RestorePlan) apply(ctx context.Context) (*Image, error) {
	im, err := Open(ctx, p.path, p.image)
	if err != nil {
		return nil, err
	}
	err = im.store.Hold(ctx, func(tx store.Transactor) error { return p.write(ctx, im, tx) })
	if err != nil {
		return nil, im.fail(err)
	}
	im.finishIfMarked(ctx)
	return im, nil
}

// write is steps 2 and 3, with the image held.
func (p *RestorePlan) write(ctx context.Context, im *Image, tx store.Transactor) error {
	if err := p.clear(ctx, im, tx); err != nil {
		return err
	}
	var set uint32
	err := im.updateIn(ctx, tx, func(c *change) error {
		if err := c.needState(Zeroized); err != nil {
			return err
		}
		if c.before.Entry == nil || string(c.before.Hash) != string(p.log.Last().Hash) {
			return refuse(ErrBusy, "repeat the restore", "%s: the image has changed meanwhile", p.path)
		}
		set = c.h.Set + 1
		c.scrub = true // pages that step 2 has written and not committed are no set to delete
		return c.mark(record.MarkSet, "1")
	})
	if err != nil {
		return err
	}
	if err := p.copySet(ctx, im, tx, set); err != nil {
		return err
	}
	var restored *Info
	err = im.updateIn(ctx, tx, func(c *change) error {
		err := p.commit(c, set)
		restored = c.info()
		return err
	})
	if err == nil {
		im.info.Store(restored)
	}
	return err
}

// clear makes sure that the set to be filled is empty: what another restore left
// there, and nobody could delete, would be mixed with what comes.
func (p *RestorePlan) clear(ctx context.Context, im *Image, tx store.Transactor) error {
	var dead []string
	err := im.viewIn(ctx, tx, func(v *view) (err error) {
		dead, err = v.deadKeys()
		return err
	})
	if err != nil || len(dead) == 0 {
		return err
	}
	return im.deleteDeadSets(ctx, tx)
}

// copyBytes is how much one transaction of step 2 takes. These records are not
// live and a killed restore drops them all, so what bounds a transaction is
// memory alone. A store may need as much again, but can be much faster with a
// set that it gets at once.
var copyBytes = 256 << 20 // a test takes less

// copySet is step 2.
func (p *RestorePlan) copySet(ctx context.Context, im *Image, tx store.Transactor, set uint32) error {
	for last, done := "", false; !done; {
		var until string
		err := tx.Update(ctx, func(w store.Writer) (err error) {
			until, done, err = p.copySome(ctx, w, last, record.SetPrefix(set))
			return err
		})
		if err != nil {
			return im.fail(err)
		}
		last = until
	}
	return nil
}

// copySome copies what comes in the set after a key, until it is enough for a
// transaction. The chain that survives is kept.
func (p *RestorePlan) copySome(ctx context.Context, w store.Writer, after, set string) (until string, done bool, err error) {
	until, done = after, true
	size, live := 0, record.SetPrefix(contentLive)
	err = p.content.View(ctx, func(r store.Reader) error {
		return r.Walk(live, after, func(key, value []byte) error {
			if size += len(key) + len(value); size > copyBytes {
				done = false
				return store.ErrStop
			}
			until = string(key)
			if err := ctx.Err(); err != nil {
				return err
			}
			return w.Put(set+until[len(live):], value)
		})
	})
	return until, done, err
}

// commit is step 3.
func (p *RestorePlan) commit(c *change, set uint32) error {
	c.h.Set, c.h.State = set, uint8(Active)
	if err := c.putHeader(); err != nil {
		return err
	}
	r, err := c.publicRoster()
	if err != nil {
		return err
	}
	for i := range r.Users {
		if err := c.putCounter(record.Counter{User: r.Users[i].ID}); err != nil {
			return err
		}
	}
	if err := p.remember(c, r); err != nil {
		return err
	}
	if err := c.markOrphans(r); err != nil {
		return err
	}
	hash, err := hex.DecodeString(p.m.HeadHash)
	if err != nil {
		return err
	}
	c.keys = p.m.KeyCount - int(c.before.KeyCount)
	return c.record(chain.Entry{Opcode: chain.RestoreEnd, Subject: p.m.ID, Epoch: r.Epoch,
		Restored: &chain.Restored{Backup: p.m.ID, Sequence: p.m.HeadSequence, Hash: hash, Passed: p.passed()}})
}

// remember notes the backup as the newest of the vault that it came from.
func (p *RestorePlan) remember(c *change, r *roster) error {
	for _, x := range r.Vaults {
		if x.ID == p.o.VaultID {
			mark := record.BackupMark{ID: p.m.ID, Created: p.m.Time().UnixMilli(), Generation: p.m.Generation}
			return c.w.Put(record.BackupMarkKey(x.ID), record.Encode(&mark))
		}
	}
	return nil
}

// maxPassed bounds the list in one audit entry: whoever can write a vault can
// lay as many manifests there as he likes.
const maxPassed = 400

// passed are the newer backups for the restore's entry.
func (p *RestorePlan) passed() (out []chain.Passed) {
	for _, m := range p.newer() {
		if hash, err := hex.DecodeString(m.HeadHash); err == nil {
			out = append(out, chain.Passed{Backup: m.ID, Sequence: m.HeadSequence, Hash: hash})
		}
	}
	return out
}

// newer are the newer backups that their own signature holds for, of this very
// image.
func (p *RestorePlan) newer() (out []*Manifest) {
	for _, m := range p.o.Passed[:min(len(p.o.Passed), maxPassed)] {
		if m.verifies() && m.ImageID == p.m.ImageID && m.Fingerprint == p.m.Fingerprint {
			out = append(out, m)
		}
	}
	return out
}
