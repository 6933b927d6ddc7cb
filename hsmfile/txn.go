package hsmfile

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"filehsm/hsmfile/internal/chain"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/seal"
	"filehsm/hsmfile/internal/store"
)

// view is one revision of an image being read.
type view struct {
	im *Image
	r  store.Reader
	h  *record.Header
}

// view runs fn over one revision; the header is checked first.
func (im *Image) view(ctx context.Context, fn func(*view) error) error {
	return im.viewIn(ctx, im.store, fn)
}

func (im *Image) viewIn(ctx context.Context, tx store.Transactor, fn func(*view) error) error {
	return im.fail(tx.View(ctx, func(r store.Reader) error {
		h, err := im.loadHeader(r)
		if err != nil {
			return err
		}
		return fn(&view{im: im, r: r, h: h})
	}))
}

func (im *Image) loadHeader(r store.Reader) (*record.Header, error) {
	b, err := r.Get(record.HeaderKey())
	if err != nil {
		return nil, err
	}
	h, err := im.header.of(b, im.checkHeader) // a copy: the transaction's own to change
	return &h, err
}

func (im *Image) checkHeader(b []byte) (none record.Header, err error) {
	h, err := record.DecodeHeader(b)
	switch {
	case errors.Is(err, record.ErrFuture):
		return none, refuse(ErrState, "use a newer filehsm with this image", "%s: image was written by a newer version of filehsm", im.path)
	case err != nil:
		return none, im.damaged("header", err)
	case modeNames[h.Mode] == "" || h.State < uint8(Uninitialized) || h.State > uint8(Zeroized):
		return none, im.damaged("header", record.ErrMalformed)
	}
	return *h, nil
}

// lastEntry is chain.Last for what comes again and again.
func (im *Image) lastEntry(r store.Reader) (chain.Link, error) {
	key, stored, err := r.Last(record.EntryPrefix())
	if err != nil || stored == nil {
		return chain.Link{}, err
	}
	last, err := im.entry.of(stored, chain.DecodeLink)
	if err == nil {
		err = last.InPlace(key)
	}
	return last, err
}

func (v *view) key(n record.Name) string { return record.SetPrefix(v.h.Set) + string(n) }

// get returns the stored bytes of a record of the live set, nil if none.
func (v *view) get(n record.Name) ([]byte, error) { return v.r.Get(v.key(n)) }

// load decodes a record of the live set; false if there is none.
func (v *view) load(n record.Name, into any) (bool, error) {
	b, err := v.get(n)
	if err != nil || b == nil {
		return false, err
	}
	if err := record.Decode(b, into); err != nil {
		return false, v.im.damaged(n.Kind().String()+" record", err)
	}
	return true, nil
}

// need is load for a record that must be there.
func (v *view) need(n record.Name, into any) error {
	ok, err := v.load(n, into)
	if err == nil && !ok {
		err = v.im.damaged(n.Kind().String()+" record", errors.New("it is missing"))
	}
	return err
}

// scan calls fn for each record of the live set below prefix, after a name.
func (v *view) scan(prefix, after record.Name, fn func(record.Name, []byte) error) error {
	from := ""
	if after != "" {
		from = v.key(after)
	}
	skip := len(record.SetPrefix(v.h.Set))
	return v.r.Scan(v.key(prefix), from, func(key string, value []byte) error {
		return fn(record.Name(key[skip:]), value)
	})
}

// place is where a sealed part of a record lies.
func (v *view) place(kind string, n record.Name, version uint64) seal.Place {
	return seal.Place{Image: v.h.ImageID, Mode: v.h.Mode, Kind: kind, ID: string(n), Version: version}
}

// needState refuses in any other state, saying what to do there.
func (v *view) needState(want State) error {
	return v.im.needState(State(v.h.State), want, v.restoreCommand)
}

// NeedState is what an operation will say that works in one state only, as of
// Open: early, before anybody is asked for a password.
func (im *Image) NeedState(want State) error {
	return im.needState(im.Info().State, want, im.restoreCommand)
}

func (im *Image) needState(at, want State, restore func() string) error {
	if at == want {
		return nil
	}
	return refuse(ErrState, stateHint(at, want, restore), "%s: image is %s", im.path, at)
}

func stateHint(at, want State, restore func() string) string {
	switch {
	case at == Uninitialized:
		return "filehsm activate --username admin"
	case at == Zeroized:
		return restore() + " brings the keys back; filehsm create makes a fresh image at another path"
	case want == Uninitialized:
		return "it has its officers: filehsm login --username NAME; filehsm user list names them"
	}
	return "it is in use; a restore goes into a zeroized image, or with --image into a file that is not there yet"
}

// perTransaction is how many objects a big change handles at a time: the
// bound of a transaction that a store over a network can take.
const perTransaction = 1000

// recordsPerEntry bounds what an audit entry lists, which must fit a record
// (TestEntriesFit): when it has so many, one more object may follow, with three
// records of each user it is shared with, and the labels of all.
var recordsPerEntry = 4 * perTransaction // a test takes less

// change is one transaction that writes: records, and the audit entry that
// says so. Its closure may run twice, so a change keeps nothing outside.
type change struct {
	view
	w      store.Writer
	before chain.Link // newest entry
	now    int64      // Unix milliseconds, not earlier than the newest entry
	late   time.Duration
	wrote  map[string][]byte
	keys   int    // key objects added, less those removed
	ref    uint64 // of the key made last
	scrub  bool   // a secret was removed or sealed anew
	marked bool   // a mark was written
	swept  int64  // when it looked for stale sessions; 0: it did not
}

// update runs fn in one transaction and does afterwards what it asked for. An
// error means that the change is not made.
func (im *Image) update(ctx context.Context, fn func(*change) error) error {
	if err := im.updateIn(ctx, im.store, fn); err != nil {
		return err
	}
	im.finishIfMarked(ctx)
	return nil
}

// updateIn is update inside a Hold; the caller finishes.
func (im *Image) updateIn(ctx context.Context, tx store.Transactor, fn func(*change) error) error {
	var late time.Duration
	var marked bool
	var swept int64
	err := tx.Update(ctx, func(w store.Writer) error {
		h, err := im.loadHeader(w)
		if err != nil {
			return err
		}
		c := &change{view: view{im: im, r: w, h: h}, w: w}
		last, err := im.lastEntry(w)
		if err != nil {
			return im.damaged("audit chain", err)
		}
		c.begin(last)
		late = c.late
		if err := c.dropStaleSessions(); err != nil {
			return err
		}
		if err := fn(c); err != nil {
			return err
		}
		err = c.flushMarks()
		marked, swept = c.marked, c.swept
		return err
	})
	if err == nil && marked {
		im.marked.Store(true) // after the commit: whoever swaps it back must find the mark
	}
	if err == nil && swept != 0 {
		im.swept.Store(swept)
	}
	if err == nil && late > time.Second {
		im.warn(fmt.Sprintf("the clock is %s behind the newest audit entry; entries carry that entry's time", late.Round(time.Second)))
	}
	return im.fail(err)
}

func (c *change) begin(last chain.Link) {
	c.before, c.wrote = last, map[string][]byte{}
	c.now = now().UnixMilli()
	if last.Entry != nil && last.Time > c.now {
		c.late = time.Duration(last.Time-c.now) * time.Millisecond
		c.now = last.Time
	}
}

// version is the sequence of the entry that this change is about to write.
func (c *change) version() uint64 {
	if c.before.Entry == nil {
		return 1
	}
	return c.before.Sequence + 1
}

// put writes a record of the live set.
func (c *change) put(n record.Name, value []byte) error {
	if err := c.count(n, 1); err != nil {
		return err
	}
	c.wrote[string(n)] = record.Hash(value)
	return c.w.Put(c.key(n), value)
}

// del removes a record of the live set.
func (c *change) del(n record.Name) error {
	if err := c.count(n, -1); err != nil {
		return err
	}
	c.wrote[string(n)] = nil
	return c.w.Delete(c.key(n))
}

// count keeps the number of key objects, which each entry carries.
func (c *change) count(n record.Name, by int) error {
	if !n.Kind().KeyObject() {
		return nil
	}
	old, err := c.get(n)
	if err == nil && (old == nil) == (by > 0) {
		c.keys += by
	}
	return err
}

func (c *change) putHeader() error {
	b := record.EncodeHeader(c.h)
	c.wrote[record.HeaderKey()] = record.Hash(b)
	return c.w.Put(record.HeaderKey(), b)
}

// record writes the audit entry of what was put and deleted since the entry
// before, and makes it the newest. The caller says what happened and by whom.
func (c *change) record(e chain.Entry) error {
	e.Sequence, e.Time, e.Prev = c.version(), c.now, nil
	if prev := c.before; prev.Entry != nil {
		e.Prev, e.KeyCount = prev.Hash, prev.KeyCount
	}
	e.KeyCount = uint32(int(e.KeyCount) + c.keys)
	e.Result = orDefault(e.Result, chain.Success)
	e.Wrote = c.listWrote()
	e.Generation = e.GenerationAfter(c.before.Entry)
	if e.Gone {
		e.KeyCount = 0
	}
	b := e.Encode()
	c.before, c.wrote, c.keys = chain.Link{Entry: &e, Hash: record.Hash(b)}, map[string][]byte{}, 0
	c.im.entry.set(b, c.before)
	return c.w.Put(record.EntryKey(e.Sequence), b)
}

func (c *change) listWrote() []chain.Wrote {
	var all []chain.Wrote
	for name, hash := range c.wrote {
		all = append(all, chain.Wrote{Name: []byte(name), Hash: hash})
	}
	slices.SortFunc(all, func(a, b chain.Wrote) int { return slices.Compare(a.Name, b.Name) })
	return all
}

// mark asks whoever opens the image next, ourselves first, to finish work.
func (c *change) mark(name, value string) error {
	c.marked = true
	return c.w.Put(record.MarkKey(name), []byte(value))
}

// flushMarks writes the scrub mark in the transaction that needs it. Its value
// is new each time: a scrub that was running meanwhile must not clear it.
func (c *change) flushMarks() error {
	if len(c.wrote) > 0 {
		panic("hsmfile: a change was not recorded")
	}
	if !c.scrub {
		return nil
	}
	return c.mark(record.MarkScrub, hex.EncodeToString(seal.Random(8)))
}
