package hsmfile

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"os"

	"filehsm/hsmfile/internal/chain"
	"filehsm/hsmfile/internal/filestore"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/store"
)

// Apply writes the backup into the image, in steps of which one counts:
//
//  1. where there is no file, a zeroized image of the same name and nothing in
//     it; a mark says that a set other than the live one is to be deleted
//  2. the records, into a set that is not live, some megabytes a transaction
//  3. commit point: that set is live, the state is active, counters are zero,
//     and the entry says which backup it was
//  4. the old set is deleted and overwritten
//
// Killed before 3, the next opener deletes the set and the image is what it
// was. The image is held throughout: in this state nobody can do anything
// else with it.
func (p *RestorePlan) Apply(ctx context.Context) (*Image, error) {
	made, err := p.makeFile(ctx)
	if err != nil {
		return nil, err
	}
	im, err := p.apply(ctx)
	if err != nil && made {
		err = errors.Join(err, removeIfNothingIsLive(ctx, p.path, p.image))
	}
	return im, err
}

// makeFile is step 1 at a path that does not exist.
func (p *RestorePlan) makeFile(ctx context.Context) (made bool, err error) {
	if _, err := os.Lstat(p.path); err == nil {
		return false, nil
	}
	h := *p.head
	h.Set, h.State = 1, uint8(Zeroized)
	err = filestore.Create(ctx, p.path, func(w store.Writer) error {
		return w.Put(record.HeaderKey(), record.EncodeHeader(&h))
	})
	return err == nil, storeError(p.path, err)
}

// removeIfNothingIsLive takes back the file that this restore made.
func removeIfNothingIsLive(ctx context.Context, path string, o Options) error {
	im, err := Open(context.WithoutCancel(ctx), path, o)
	if err != nil || im.info.State != Zeroized {
		return err
	}
	return filestore.Remove(path)
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
	if err := im.finish(context.WithoutCancel(ctx)); err != nil {
		return nil, err
	}
	return Open(ctx, p.path, p.image)
}

// write is steps 2 and 3, with the image held.
func (p *RestorePlan) write(ctx context.Context, im *Image, tx store.Transactor) error {
	var set uint32
	err := im.updateIn(ctx, tx, func(c *change) error {
		if err := c.needState(Zeroized); err != nil {
			return err
		}
		if p.log != nil && (c.before.Entry == nil || string(c.before.Hash) != string(p.log.Last().Hash)) {
			return refuse(ErrBusy, "repeat the restore", "%s: the image has changed meanwhile", p.path)
		}
		if p.log == nil && c.before.Entry != nil {
			return refuse(ErrBusy, "repeat the restore", "%s: another image has come to be there meanwhile", p.path)
		}
		set = c.h.Set + 1
		if p.log == nil {
			if err := c.mark(record.MarkChain, "1"); err != nil {
				return err
			}
		}
		return c.mark(record.MarkSet, "1")
	})
	if err != nil {
		return err
	}
	if err := p.copyRecords(ctx, im, tx, set); err != nil {
		return err
	}
	return im.updateIn(ctx, tx, func(c *change) error { return p.commit(c, set) })
}

// copyBytes is how much one transaction of step 2 takes. These records are not
// live and a killed restore drops them all, so what bounds a transaction is
// memory alone, and each costs two syncs or three.
var copyBytes = 32 << 20 // a test takes less

// copyRecords is step 2.
func (p *RestorePlan) copyRecords(ctx context.Context, im *Image, tx store.Transactor, set uint32) error {
	return p.content.View(ctx, func(r store.Reader) error {
		for last, done := "", false; !done; {
			var until string
			err := tx.Update(ctx, func(w store.Writer) (err error) {
				until, done, err = p.copySome(r, w, last, record.SetPrefix(set))
				return err
			})
			if err != nil {
				return im.fail(err)
			}
			last = until
		}
		return nil
	})
}

// copySome copies what comes after a key, until it is enough for a transaction.
// Where a chain survives it is kept, and only the set is copied.
func (p *RestorePlan) copySome(r store.Reader, w store.Writer, after, set string) (until string, done bool, err error) {
	until, done = after, true
	size, live := 0, []byte(record.SetPrefix(contentLive))
	err = r.Walk("", after, func(key, value []byte) error {
		rest, ofSet := bytes.CutPrefix(key, live)
		if !ofSet && (p.log != nil || string(key) == record.HeaderKey()) {
			return nil
		}
		if size += len(key) + len(value); size > copyBytes {
			done = false
			return store.ErrStop
		}
		until = string(key)
		if ofSet {
			return w.Put(set+string(rest), value)
		}
		return w.Put(until, value)
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
	if err := c.w.Delete(record.MarkKey(record.MarkChain)); err != nil {
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

// dropForeignChain removes the chain that a killed restore was bringing: in a
// file that had none, while nothing is live.
func (im *Image) dropForeignChain(ctx context.Context, tx store.Transactor) error {
	for done := false; !done; {
		err := tx.Update(ctx, func(w store.Writer) error {
			live, err := im.anythingLive(w)
			if err != nil {
				return err
			}
			if done = live; done {
				return w.Delete(record.MarkKey(record.MarkChain))
			}
			var keys []string
			for _, prefix := range []string{record.EntryPrefix(), record.HeadPrefix()} {
				err := w.Scan(prefix, "", func(key string, _ []byte) error {
					if keys = append(keys, key); len(keys) >= perTransaction {
						return store.ErrStop
					}
					return nil
				})
				if err != nil {
					return err
				}
			}
			for _, key := range keys {
				if err := w.Delete(key); err != nil {
					return err
				}
			}
			if done = len(keys) == 0; done {
				return w.Delete(record.MarkKey(record.MarkChain))
			}
			return nil
		})
		if err != nil {
			return im.fail(err)
		}
	}
	return nil
}

// anythingLive says whether the live set has a record. In a file that a
// restore has just made it has none; a mark on any other is stale or forged,
// and must not cost the chain.
func (im *Image) anythingLive(r store.Reader) (bool, error) {
	h, err := im.header(r)
	if err != nil {
		return false, err
	}
	key, _, err := r.Last(record.SetPrefix(h.Set))
	return key != "" || State(h.State) != Zeroized, err
}
