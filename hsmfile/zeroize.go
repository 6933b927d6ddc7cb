package hsmfile

import (
	"context"
	"strings"

	"filehsm/hsmfile/internal/chain"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/store"
)

// Zeroize wipes the image at an officer's word: every key, every password.
// What survives is what a restore needs: rosters, public keys, vaults, chain.
func (s *Session) Zeroize(ctx context.Context) error {
	return s.write(ctx, opZeroize, func(c *change) error {
		e := s.entry(c, opZeroize)
		if err := c.zeroize(e); err != nil {
			return err
		}
		return c.signHead(s.author())
	})
}

// ZeroizeUnauthenticated wipes the image without a login: whoever can write
// the file could destroy it anyway, and in an emergency this way leaves what a
// restore needs.
func (im *Image) ZeroizeUnauthenticated(ctx context.Context) error {
	return im.update(ctx, func(c *change) error {
		if err := c.needState(Active); err != nil {
			return err
		}
		return c.zeroize(chain.Entry{Opcode: chain.Zeroize})
	})
}

// zeroize is step 1, the commit point: the live set is a new one with nothing
// in it but what survives, and marks say that the old one is to be deleted
// (step 2) and its pages overwritten (step 3). From here on the image is
// zeroized, whoever pulls the plug.
func (c *change) zeroize(e chain.Entry) error {
	keep := map[record.Name][]byte{}
	for _, kind := range []record.Kind{record.KindRoster, record.KindPublic} {
		err := c.scan(record.Name(string(rune(kind))), "", func(n record.Name, b []byte) error {
			keep[n] = b
			return nil
		})
		if err != nil {
			return err
		}
	}
	if err := c.dropVolatile(); err != nil {
		return err
	}
	e.Gone, e.Epoch = true, c.epoch()
	c.h.Set, c.h.State = c.h.Set+1, uint8(Zeroized)
	for n, b := range keep {
		if err := c.w.Put(c.key(n), b); err != nil {
			return err
		}
	}
	if err := c.putHeader(); err != nil {
		return err
	}
	c.scrub = true
	if err := c.mark(record.MarkSet, "1"); err != nil {
		return err
	}
	return c.record(e)
}

// dropVolatile removes counters and sessions.
func (c *change) dropVolatile() error {
	for _, prefix := range []string{record.CounterPrefix(), record.SessionPrefix()} {
		var keys []string
		err := c.r.Scan(prefix, "", func(key string, _ []byte) error {
			keys = append(keys, key)
			return nil
		})
		if err != nil {
			return err
		}
		for _, key := range keys {
			if err := c.w.Delete(key); err != nil {
				return err
			}
		}
	}
	return nil
}

// deleteDeadSets removes the records of every set but the live one, a
// thousand a transaction.
func (im *Image) deleteDeadSets(ctx context.Context, tx store.Transactor) error {
	for done := false; !done; {
		err := im.updateIn(ctx, tx, func(c *change) error {
			keys, err := c.deadKeys()
			if err != nil {
				return err
			}
			for _, key := range keys {
				if err := c.w.Delete(key); err != nil {
					return err
				}
			}
			if len(keys) > 0 {
				c.scrub = true
			}
			if done = len(keys) < perTransaction; done {
				return c.w.Delete(record.MarkKey(record.MarkSet))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// deadKeys is up to a thousand records of sets that are not live: those before
// the live one, and those behind it.
func (v *view) deadKeys() (keys []string, err error) {
	live := record.SetPrefix(v.h.Set)
	collect := func(key string, _ []byte) error {
		if strings.HasPrefix(key, live) && key != live || len(keys) == perTransaction {
			return store.ErrStop
		}
		keys = append(keys, key)
		return nil
	}
	if err := v.r.Scan(record.AllSets(), "", collect); err != nil {
		return nil, err
	}
	behind := live + strings.Repeat("\xff", store.MaxKey-len(live))
	err = v.r.Scan(record.AllSets(), behind, collect)
	return keys, err
}
