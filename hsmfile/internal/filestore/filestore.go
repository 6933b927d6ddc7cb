// Package filestore keeps an HSM's records in one file, in bbolt's format: pages
// of 4096 bytes, a B+ tree that is copied where it is written, two meta pages in
// turn. No other page is written over that one of them refers to.
//
// Words: the image is the file. A session is the time between locking and
// unlocking it: one transaction, or one Hold. Outside a session no file is open
// and no lock is held. A revision is what a commit leaves: a tree (tree.go) of
// pages (page.go), and the list of those that are free (freelist.go).
//
// Invariants:
//
//   - The image is untrusted input. Every page is checked when it is read, also
//     when it is to be replaced. What cannot be right is store.ErrDamaged, never a
//     crash, a hang or foreign memory. That a value is the one that was stored is
//     for the layer above to check.
//   - A commit (commit.go) makes the pages that change anew, in memory
//     (rewrite.go), lays them where there is room (lay.go, room.go), and reads
//     each as the next reader will before it is written (next.go).
//   - A transaction that changes nothing does not change the file.
//   - Everything fits pages of 4096 bytes, on every machine.
//   - What was confirmed outlives a loss of power, and the image is whole. Here
//     TestCommitOrder and TestCommitFails show it at each write and sync; the
//     tests of commands replay the program's system calls (TestPowerLoss) and
//     refuse or kill it at each (TestCrash).
//
// bbolt itself neither reads nor writes here. It maps the file and follows what
// it finds, so every page that it would look at had to be checked before, and a
// third of each small commit went into opening it. What its format is worth it
// still says: the tests have it open, check and read what we write
// (compareWithBolt), and images that it wrote are images.
package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
	"time"

	"filehsm/hsmfile/internal/store"

	"golang.org/x/sys/unix"
)

// DefaultLockTimeout is how long a transaction waits for the image's lock
// unless told otherwise.
const DefaultLockTimeout = 10 * time.Second

// Options of Open.
type Options struct {
	// LockTimeout is how long each transaction, Hold or Scrub waits for the
	// image's lock; 0 means DefaultLockTimeout.
	LockTimeout time.Duration
	// AcceptPrevious goes on with the commit before when the newest meta page
	// is damaged, or without it when the older one is. The next Update mends
	// the image.
	AcceptPrevious bool
}

// Store is an image by its path. Its methods may be called from several
// goroutines, and other processes may use the image at the same time.
type Store struct {
	path           string
	timeout        time.Duration
	acceptPrevious bool
	settled        time.Duration
	kept           atomic.Pointer[tree]
	spare          spare
	scratch        atomic.Pointer[scratch]
	unsure         atomic.Bool // the last commit failed
}

var _ store.Store = (*Store)(nil)

// Open checks that there is a regular file at path, ours alone to read, and
// keeps nothing open. It reads nothing either, since that takes the lock: whether
// the file is an image shows in the first transaction.
//
// Errors: store.ErrNotExist, store.ErrPermission (the message names the mode),
// store.ErrUnopened as well if it may not be opened, store.ErrDamaged if it is not
// a regular file.
func Open(path string, options Options) (*Store, error) {
	file, _, err := openImage(path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	file.Close()
	return At(path, options), nil
}

// At is Open for an image that the caller makes himself (Create): it checks nothing.
func At(path string, options Options) *Store {
	s := &Store{path: path, timeout: options.LockTimeout, acceptPrevious: options.AcceptPrevious, settled: settled}
	if s.timeout == 0 {
		s.timeout = DefaultLockTimeout
	}
	return s
}

// openImage opens a regular file that nobody but its owner may read or write.
func openImage(path string, flags int) (*os.File, status, error) {
	file, err := os.OpenFile(path, flags|unix.O_NONBLOCK, 0) // a FIFO must not block us
	if err != nil {
		return nil, status{}, openError(err)
	}
	is, err := statusOf(file)
	if err == nil {
		err = is.check()
	}
	if err != nil {
		file.Close()
		return nil, status{}, err
	}
	return file, is, nil
}

func openError(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the image %w", store.ErrNotExist)
	case errors.Is(err, unix.EISDIR):
		return fmt.Errorf("it is a directory: %w", store.ErrDamaged)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, unix.EROFS):
		return fmt.Errorf("failed to open the image: %w", denied{err, store.ErrUnopened})
	}
	return fmt.Errorf("failed to open the image: %w", err)
}

// denied is a system's error in its own words that is store.ErrPermission as
// well; as says of what sort, if that matters.
type denied struct {
	error
	as error
}

func (d denied) Unwrap() []error { return []error{d.error, d.as, store.ErrPermission} }

func (a status) check() error {
	if !a.regular() {
		return fmt.Errorf("it is not a regular file: %w", store.ErrDamaged)
	}
	if mode := a.mode & 0o777; mode&0o077 != 0 {
		return fmt.Errorf("%w denied: its mode %04o lets others in", store.ErrPermission, mode)
	}
	return nil
}

// View runs fn on the newest revision. No writer gets in until fn returns.
//
// Errors beside fn's own: store.ErrBusy, store.ErrDamaged, store.ErrNotExist,
// store.ErrPermission, ctx.Err().
func (s *Store) View(ctx context.Context, fn func(store.Reader) error) error {
	return s.session(ctx, false, func(h *session) error { return h.View(ctx, fn) })
}

// Update runs fn, whose writes become one durable commit when it returns nil.
// On a full disk the error wraps syscall.ENOSPC and the image is as it was.
// Other errors are those of View.
func (s *Store) Update(ctx context.Context, fn func(store.Writer) error) error {
	return s.session(ctx, true, func(h *session) error { return h.Update(ctx, fn) })
}

// Hold runs fn with the image locked against everyone else, readers included.
func (s *Store) Hold(ctx context.Context, fn func(store.Transactor) error) error {
	return s.session(ctx, true, func(h *session) error { return fn(h) })
}

// session locks the image for fn.
func (s *Store) session(ctx context.Context, exclusive bool, fn func(h *session) error) error {
	h, err := s.lock(ctx, exclusive)
	if err != nil {
		return err
	}
	defer h.close()
	return fn(h)
}
