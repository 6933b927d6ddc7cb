package hsmfile

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"filehsm/hsmfile/internal/store"
)

// fullDisk fails the Update with a number, and all after it up to another.
type fullDisk struct {
	store.Store
	n, from, to int
}

func (d *fullDisk) Update(ctx context.Context, fn func(store.Writer) error) error {
	return d.update(ctx, d.Store, fn)
}

func (d *fullDisk) update(ctx context.Context, tx store.Transactor, fn func(store.Writer) error) error {
	d.n++
	if d.n >= d.from && d.n <= d.to {
		return fmt.Errorf("failed to write: %w", syscall.ENOSPC)
	}
	return tx.Update(ctx, fn)
}

func (d *fullDisk) Hold(ctx context.Context, fn func(store.Transactor) error) error {
	return d.Store.Hold(ctx, func(tx store.Transactor) error { return fn(fullHeld{tx, d}) })
}

type fullHeld struct {
	store.Transactor
	d *fullDisk
}

func (h fullHeld) Update(ctx context.Context, fn func(store.Writer) error) error {
	return h.d.update(ctx, h.Transactor, fn)
}

// TestFullDiskLogin: step 3 that cannot be written is a refusal untried; a
// right password whose step 5 cannot be written costs nothing.
func TestFullDiskLogin(t *testing.T) {
	for _, tc := range []struct {
		what, password string
		from, to       int
		failures       uint32
	}{
		{"step 3", passAlice, 1, 9, 0},
		{"step 3, wrong", "wrong", 1, 9, 0},
		{"step 5", passAlice, 2, 2, 0},
		{"step 5, wrong", "wrong", 2, 9, 1}, // counted, and settled by the next Open
		{"all but step 3", passAlice, 2, 9, 1},
	} {
		t.Run(tc.what, func(t *testing.T) {
			f := newFixture(t, CreateSpec{})
			whole := f.im.store
			f.im.store = &fullDisk{whole, 0, tc.from, tc.to}
			_, err := f.try("alice", tc.password, false)
			if !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("got %v, want a full disk", err)
			}
			f.im.store = whole
			f.reopen()
			if n := f.counter("alice"); n.Failures != tc.failures || n.Open {
				t.Errorf("the counter is %+v, want %d failures", n, tc.failures)
			}
			f.login("alice")
		})
	}
}

// TestFullDiskFinish: a wipe that waits for room. Meanwhile the image can be
// looked at, and nobody uses a key; with room, the next opener wipes.
func TestFullDiskFinish(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	alice := f.login("alice")
	f.aes(alice, "a")
	token := must[SessionToken](t)(alice.Persist(f.ctx, time.Minute))
	f.leaveOpen("admin", 3)
	full := &fullDisk{f.im.store, 0, 1, 1 << 30}
	warned := ""
	im := must[*Image](t)(open(f.ctx, f.path, full, Options{Warn: func(text string) { warned += text }}))
	if !strings.Contains(warned, "cannot be finished") {
		t.Errorf("the warning is %q", warned)
	}
	st := must[*Status](t)(im.Status(f.ctx))
	if r := must[*CheckReport](t)(im.Check(f.ctx)); st.State != Active || len(r.Findings) > 0 {
		t.Errorf("%s, %v", st.State, r.Findings)
	}
	_, err := im.Login(f.ctx, Credentials{Username: "alice", Password: pw(passAlice)})
	if !errors.Is(err, syscall.ENOSPC) || f.counter("alice").Failures != 0 {
		t.Errorf("login: %v, %+v", err, f.counter("alice"))
	}
	s, err := im.Resume(f.ctx, token)
	if err == nil {
		_, err = s.ListKeys(f.ctx, filter(t), ListOptions{}, func(*Key) error { return nil })
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("an open session: %v", err)
	}
	if f.reopen(); f.state() != Zeroized {
		t.Errorf("with room, the image is %s", f.state())
	}
}
