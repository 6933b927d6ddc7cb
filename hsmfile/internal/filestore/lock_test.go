package filestore

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"filehsm/hsmfile/internal/store"
)

func nothing(store.Reader) error { return nil }

// TestBusy: two handles on one path stand for two processes, since a flock
// belongs to the open file and not to the process.
func TestBusy(t *testing.T) {
	s := newStore(t, nil)
	other, err := Open(s.path, Options{LockTimeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	hold := func(store.Transactor) error {
		begun := time.Now()
		if err := other.View(t.Context(), nothing); !errors.Is(err, store.ErrBusy) {
			t.Errorf("View = %v, want store.ErrBusy", err)
		}
		if err := other.Update(t.Context(), putOne); !errors.Is(err, store.ErrBusy) {
			t.Errorf("Update = %v, want store.ErrBusy", err)
		}
		if waited := time.Since(begun); waited < 100*time.Millisecond || waited > 10*time.Second {
			t.Errorf("gave up after %s", waited)
		}
		return nil
	}
	if err := s.Hold(t.Context(), hold); err != nil {
		t.Fatal(err)
	}
	if err := other.Update(t.Context(), putOne); err != nil {
		t.Errorf("Update after the Hold: %v", err)
	}
}

func TestReadersShare(t *testing.T) {
	s := newStore(t, nil)
	err := s.View(t.Context(), func(store.Reader) error { return s.View(t.Context(), nothing) })
	if err != nil {
		t.Errorf("View beside a View: %v", err)
	}
}

// TestWriterIsNotStarved has readers that never leave the image unlocked.
func TestWriterIsNotStarved(t *testing.T) {
	s := newStore(t, putOne)
	ctx, stop := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for ctx.Err() == nil {
				_ = s.View(ctx, func(store.Reader) error { time.Sleep(20 * time.Millisecond); return nil })
			}
		})
	}
	for range 5 {
		mustUpdate(t, s, putOne)
	}
	stop()
	readers.Wait()
}

// waiting is a context that says when somebody waits for a lock: each wait looks
// for the context's end (patience), and nothing else does. A Hold leaves the gate
// free, so it is the image's lock that is waited for.
type waiting struct {
	context.Context
	first sync.Once
	begun chan struct{}
}

func newWaiting(t *testing.T) *waiting {
	return &waiting{Context: t.Context(), begun: make(chan struct{})}
}

func (w *waiting) Done() <-chan struct{} {
	w.first.Do(func() { close(w.begun) })
	return w.Context.Done()
}

// await returns once the one that will be done waits.
func (w *waiting) await(t *testing.T, done <-chan error) {
	t.Helper()
	select {
	case <-w.begun:
	case err := <-done:
		t.Fatalf("it did not wait: %v", err)
	}
}

// TestReplacedWhileWaiting: what counts is the file that the path names once
// the lock is ours.
func TestReplacedWhileWaiting(t *testing.T) {
	s, second := newStore(t, nil), newStore(t, putOne)
	ctx, done := newWaiting(t), make(chan error, 1)
	var found string
	err := s.Hold(t.Context(), func(store.Transactor) error {
		go func() {
			done <- s.View(ctx, func(r store.Reader) error {
				value, err := r.Get("k")
				found = string(value)
				return err
			})
		}()
		ctx.await(t, done)
		return os.Rename(second.path, s.path)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil || found != "v" {
		t.Errorf("the waiting View read %q, %v", found, err)
	}
}

func TestRemovedWhileWaiting(t *testing.T) {
	s := newStore(t, nil)
	ctx, done := newWaiting(t), make(chan error, 1)
	err := s.Hold(t.Context(), func(store.Transactor) error {
		go func() { done <- s.Update(ctx, putOne) }()
		ctx.await(t, done)
		return os.Remove(s.path)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, store.ErrNotExist) {
		t.Errorf("Update = %v, want store.ErrNotExist", err)
	}
}

// TestWithoutGate: nothing fails for want of the gate.
func TestWithoutGate(t *testing.T) {
	s := newStore(t, nil)
	if err := os.Mkdir(s.path+".lock", 0o700); err != nil {
		t.Fatal(err)
	}
	mustUpdate(t, s, putOne)
	mustCheck(t, s)
}

func TestReadOnly(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("SKIPPED: file modes do not hold back root")
	}
	s := newStore(t, putOne)
	if err := os.Chmod(s.path, 0o400); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dirOf(s), 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(dirOf(s), 0o700) })
	if got := allRecords(t, s); got != "\"k\"=76\n" {
		t.Errorf("records are %s", got)
	}
	for name, err := range map[string]error{
		"Update": s.Update(t.Context(), putOne),
		"Hold":   s.Hold(t.Context(), func(store.Transactor) error { return nil }),
		"Scrub":  s.Scrub(t.Context()),
	} {
		if !errors.Is(err, store.ErrPermission) {
			t.Errorf("%s = %v, want store.ErrPermission", name, err)
		}
	}
}
