package hsmfile

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/store"
)

// workWaits says whether a killed process left something to finish: a mark,
// or a login attempt that was counted and not settled.
func (v *view) workWaits() (bool, error) {
	waits, err := v.anyMark()
	if err != nil || waits {
		return waits, err
	}
	open, err := v.openAttempts()
	return len(open) > 0, err
}

func (v *view) anyMark() (bool, error) {
	key, _, err := v.r.Last(record.MarkPrefix())
	return key != "", err
}

// openAttempts lists the counters of attempts that nobody settled. Whoever
// sees one has the proof that its process is dead: an attempt is made with the
// image held from counting to settling.
func (v *view) openAttempts() (open []record.Counter, err error) {
	err = v.r.Scan(record.CounterPrefix(), "", func(_ string, b []byte) error {
		if n, err := record.DecodeCounter(b); err == nil && n.Open {
			open = append(open, n)
		}
		return nil
	})
	return open, err
}

// finishIfMarked does what the change before asked for. That change is made:
// where this fails, it warns, and the next change or opener goes on.
func (im *Image) finishIfMarked(ctx context.Context) {
	if !im.marked.Swap(false) {
		return
	}
	ctx = context.WithoutCancel(ctx) // whoever presses Ctrl-C
	err := im.settleInterrupted(ctx)
	if err == nil {
		err = im.cleanUp(ctx)
	}
	if err != nil {
		im.marked.Store(true)
		im.warnUnfinished(err)
	}
}

// finish does what a killed process left. What cannot be cleaned up is in nobody's
// way. An error is of attempts that cannot be settled (the disk is full), or one
// after which the caller may try again.
func (im *Image) finish(ctx context.Context) error {
	if err := im.settleInterrupted(ctx); err != nil {
		return err
	}
	if err := im.cleanUp(ctx); err != nil {
		if again(err) {
			return err
		}
		im.warnUnfinished(err)
	}
	return nil
}

// finishAtOpen is finish for whoever opens the image. While attempts cannot be
// settled, it stays open for those who only look: status and image check must
// still say what is there.
func (im *Image) finishAtOpen(ctx context.Context) error {
	err := im.finish(ctx)
	if err == nil || again(err) {
		return err
	}
	im.waits = &Error{Text: "what an earlier command began cannot be finished", Err: err}
	im.warn(im.waits.Error() + "; until it is, no password is taken and no key is used")
	return nil
}

// again says of an error that the same may work in a moment.
func again(err error) bool {
	return errors.Is(err, ErrBusy) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func (im *Image) warnUnfinished(why error) {
	e := &Error{Text: "what was deleted is not all removed and overwritten yet", Err: why}
	im.warn(e.Error() + "; the next command goes on with it")
}

// cleanUp deletes what was to be deleted and overwrites it, in this order: what
// is deleted last must be overwritten as well. What fails is in the way of
// nothing that follows.
func (im *Image) cleanUp(ctx context.Context) error {
	marks, err := im.marks(ctx)
	if err != nil {
		return err
	}
	var failed []error
	for name, value := range marks {
		if user, ok := strings.CutPrefix(name, record.MarkDelete); ok {
			failed = append(failed, im.deleteOrphans(ctx, user, value))
		}
	}
	if marks[record.MarkSet] != "" {
		failed = append(failed, im.deleteDeadSets(ctx, im.store))
	}
	return errors.Join(append(failed, im.scrub(ctx))...)
}

func (im *Image) marks(ctx context.Context) (map[string]string, error) {
	marks := map[string]string{}
	err := im.view(ctx, func(v *view) error {
		return v.r.Scan(record.MarkPrefix(), "", func(key string, b []byte) error {
			marks[strings.TrimPrefix(key, record.MarkPrefix())] = string(b)
			return nil
		})
	})
	return marks, err
}

// scrub overwrites what was deleted, then clears the mark. Killed in between,
// the next opener does it again.
func (im *Image) scrub(ctx context.Context) error {
	im.marked.Store(false) // before the marks are read: one that comes later is somebody else's to finish
	marks, err := im.marks(ctx)
	if err != nil {
		return err
	}
	for name := range marks { // it came after the deletions
		if name == record.MarkSet || strings.HasPrefix(name, record.MarkDelete) {
			im.marked.Store(true)
		}
	}
	if marks[record.MarkScrub] == "" {
		return nil
	}
	if err := im.fail(im.store.Scrub(ctx)); err != nil {
		return err
	}
	return im.fail(im.store.Update(ctx, func(w store.Writer) error {
		now, err := w.Get(record.MarkKey(record.MarkScrub))
		if err != nil || string(now) != marks[record.MarkScrub] {
			return err // something was deleted since; whoever did that scrubs again
		}
		return w.Delete(record.MarkKey(record.MarkScrub))
	}))
}

// settleInterrupted enters the login attempts of killed processes; they stay
// counted, and bring the lock or the zeroization that a wrong one brings.
func (im *Image) settleInterrupted(ctx context.Context) error {
	var entered []string // by the closure's last run: a warning is for what was committed
	err := im.updateIn(ctx, im.store, func(c *change) error {
		entered = nil
		open, err := c.openAttempts()
		if err != nil || len(open) == 0 {
			return err
		}
		r, err := c.publicRoster()
		if err != nil {
			return err
		}
		for _, n := range open {
			u := r.ByID(string(n.User))
			if u == nil || State(c.h.State) != Active {
				continue
			}
			entered = append(entered, u.Name)
			if err := c.failed(r, u, n, resultInterrupted); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, name := range entered {
		im.warn(fmt.Sprintf("a login of %q was interrupted; it stays counted as a failure", name))
	}
	return nil
}
