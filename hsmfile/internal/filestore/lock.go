package filestore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"filehsm/hsmfile/internal/store"

	"golang.org/x/sys/unix"
)

// Locks are flock(2) on the image: shared for a View, exclusive for anything
// else. Since there is no queue for them, readers that come one after another
// would keep a writer out for ever. So everyone passes a gate, PATH.lock, and
// keeps it until he has the image's lock: behind a waiting writer no reader
// gets in. The gate is for fairness only. Where it cannot be made (read-only or
// full file system, somebody else's directory) we go on without it.

// lock returns the image, open and locked, as a session. Closing it unlocks.
func (s *Store) lock(ctx context.Context, exclusive bool) (*session, error) {
	p := newPatience(ctx, s.timeout)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("failed to lock the image: %w", err)
	}
	gate, err := s.passGate(p)
	if err != nil {
		return nil, err
	}
	if gate >= 0 {
		defer unix.Close(gate)
	}
	for {
		h, err := s.lockOnce(p, exclusive)
		if h != nil || err != nil {
			return h, err
		}
		if err := p.wait(); err != nil {
			return nil, err
		}
	}
}

// passGate returns the locked gate, or -1 where there can be none.
func (s *Store) passGate(p *patience) (int, error) {
	name := s.path + ".lock"
	gate, err := -1, error(unix.EINTR)
	for errors.Is(err, unix.EINTR) {
		gate, err = unix.Open(name, unix.O_RDWR|unix.O_CREAT|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0o600)
	}
	if err != nil {
		return -1, nil
	}
	if err := p.flock(gate, name, unix.LOCK_EX); err != nil {
		unix.Close(gate)
		return -1, err
	}
	return gate, nil
}

// lockOnce opens and locks what lies at the path now. It returns nil if
// something else lies there by the time it has the lock.
func (s *Store) lockOnce(p *patience, exclusive bool) (*session, error) {
	how, flags := unix.LOCK_SH, os.O_RDONLY
	if exclusive {
		how, flags = unix.LOCK_EX, os.O_RDWR
	}
	file, is, err := openImage(s.path, flags)
	if err != nil {
		return nil, err
	}
	if err := p.flock(int(file.Fd()), s.path, how); err != nil {
		file.Close()
		return nil, err
	}
	named, err := statusAt(s.path)
	if err != nil || !is.sameFile(named) {
		file.Close()
		return nil, nil
	}
	return &session{of: s, file: file, is: named, known: true}, nil
}

// The pauses between two tries for a lock.
const (
	shortestPause = time.Millisecond
	longestPause  = 8 * time.Millisecond
)

// patience is how long one caller goes on trying.
type patience struct {
	ctx      context.Context
	timeout  time.Duration
	deadline time.Time
	pause    time.Duration
}

func newPatience(ctx context.Context, timeout time.Duration) *patience {
	return &patience{ctx, timeout, time.Now().Add(timeout), shortestPause}
}

// flock tries until it has the lock.
func (p *patience) flock(fd int, name string, how int) error {
	for {
		err := unix.Flock(fd, how|unix.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EWOULDBLOCK):
			if err := p.wait(); err != nil {
				return err
			}
		default:
			return fmt.Errorf("failed to lock %q: %w", name, err)
		}
	}
}

// wait pauses before the next try, or says that there is none.
func (p *patience) wait() error {
	left := time.Until(p.deadline)
	if left <= 0 {
		return fmt.Errorf("failed to lock the image within %s: %w", p.timeout, store.ErrBusy)
	}
	select {
	case <-p.ctx.Done():
		return fmt.Errorf("failed to lock the image: %w", p.ctx.Err())
	case <-time.After(min(p.pause, left)):
	}
	p.pause = min(2*p.pause, longestPause)
	return nil
}
