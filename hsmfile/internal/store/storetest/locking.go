package storetest

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"filehsm/hsmfile/internal/store"
)

// testSnapshotIsolation lets a writer try while a View looks twice. Whether
// the writer waits for the View or goes on beside it is the store's choice.
func testSnapshotIsolation(t *testing.T, s store.Store) {
	fill(t, s, "a")
	written := make(chan error, 1)
	view(t, s, func(r store.Reader) error {
		before, err := scan(r, "", "")
		go func() {
			written <- s.Update(soon(t), func(w store.Writer) error {
				return errors.Join(w.Put("a", []byte("new")), w.Put("b", []byte("b")))
			})
		}()
		time.Sleep(50 * time.Millisecond)
		after, err2 := scan(r, "", "")
		if len(before) != 1 || len(after) != 1 || before[0] != after[0] {
			t.Errorf("a View saw %q and then %q", before, after)
		}
		return errors.Join(err, err2)
	})
	if err := <-written; err != nil {
		t.Fatalf("Update beside a View: %v", err)
	}
	wantContents(t, s, record{"a", "new"}, record{"b", "b"})
}

func testConcurrentUpdates(t *testing.T, s store.Store) {
	const workers, rounds = 4, 25
	ctx := soon(t)
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for range rounds {
				if err := s.Update(ctx, increment); err != nil {
					t.Errorf("Update: %v", err)
				}
			}
		})
		all.Go(func() { watch(t, ctx, s, rounds) })
	}
	all.Wait()
	wantContents(t, s, record{"n", strconv.Itoa(workers * rounds)})
}

func increment(w store.Writer) error {
	v, err := w.Get("n")
	if err != nil {
		return err
	}
	n, _ := strconv.Atoi(string(v))
	return w.Put("n", []byte(strconv.Itoa(n+1)))
}

// watch checks that the counter only grows.
func watch(t *testing.T, ctx context.Context, s store.Store, rounds int) {
	last := 0
	for range rounds {
		err := s.View(ctx, func(r store.Reader) error {
			v, err := r.Get("n")
			n, _ := strconv.Atoi(string(v))
			if n < last {
				t.Errorf("the counter went from %d to %d", last, n)
			}
			last = n
			return err
		})
		if err != nil {
			t.Errorf("View: %v", err)
		}
	}
}

// testHoldExcludes: a writer that comes during a Hold gets in after its end.
func testHoldExcludes(t *testing.T, s store.Store) {
	other := make(chan error, 1)
	err := s.Hold(t.Context(), func(held store.Transactor) error {
		fill(t, held, "a")
		go func() {
			other <- s.Update(soon(t), func(w store.Writer) error {
				v, err := w.Get("b")
				return errors.Join(err, w.Put("seen", append([]byte("b="), v...)))
			})
		}()
		time.Sleep(50 * time.Millisecond)
		wantContents(t, held, record{"a", "a"})
		fill(t, held, "b")
		return nil
	})
	if err != nil {
		t.Fatalf("Hold: %v", err)
	}
	if err := <-other; err != nil {
		t.Fatalf("Update after the Hold: %v", err)
	}
	wantContents(t, s, record{"a", "a"}, record{"b", "b"}, record{"seen", "b=b"})
}

// testHoldCommitsOneByOne: an error ends the Hold but undoes only the
// transaction it happened in.
func testHoldCommitsOneByOne(t *testing.T, s store.Store) {
	failure := errors.New("no")
	err := s.Hold(t.Context(), func(held store.Transactor) error {
		fill(t, held, "a")
		bad := held.Update(t.Context(), func(w store.Writer) error {
			return errors.Join(w.Put("b", []byte("b")), failure)
		})
		wantContents(t, held, record{"a", "a"})
		fill(t, held, "c")
		return bad
	})
	if !errors.Is(err, failure) {
		t.Errorf("Hold = %v, want the error of its closure", err)
	}
	wantContents(t, s, record{"a", "a"}, record{"c", "c"})
}

func testFreeAfterPanic(t *testing.T, s store.Store) {
	panics := []func(){
		func() { _ = s.View(t.Context(), func(store.Reader) error { panic("mine") }) },
		func() { _ = s.Update(t.Context(), func(store.Writer) error { panic("mine") }) },
		func() { _ = s.Hold(t.Context(), func(store.Transactor) error { panic("mine") }) },
	}
	for i, fn := range panics {
		if got := caught(fn); got != "mine" {
			t.Errorf("panic %d came back as %v", i, got)
		}
		fill(t, s, "a")
	}
}

func testCancelledBefore(t *testing.T, s store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range map[string]error{
		"View":   s.View(ctx, func(store.Reader) error { t.Error("View ran"); return nil }),
		"Update": s.Update(ctx, func(store.Writer) error { t.Error("Update ran"); return nil }),
		"Hold":   s.Hold(ctx, func(store.Transactor) error { t.Error("Hold ran"); return nil }),
		"Scrub":  s.Scrub(ctx),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s = %v, want context.Canceled", name, err)
		}
	}
}

func testCancelledWhileWaiting(t *testing.T, s store.Store) {
	err := s.Hold(t.Context(), func(store.Transactor) error {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		defer cancel()
		begun := time.Now()
		err := s.Update(ctx, func(store.Writer) error { t.Error("Update ran"); return nil })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Update = %v, want context.DeadlineExceeded", err)
		}
		if waited := time.Since(begun); waited > 5*time.Second {
			t.Errorf("Update gave up after %s", waited)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("Hold: %v", err)
	}
	fill(t, s, "a")
}
