package filestore

import (
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Opening bbolt maps the file and reads its list of free pages, and closing it
// takes the mapping away: a third of what a small commit costs. So an engine
// whose session is over rests for a moment, with its handle open and unlocked,
// and serves the next session of the same store.
//
// The danger is that bbolt allocates from the list that it read: over a file in
// which others have committed since, or which is an older copy now, it would
// overwrite live pages. No lock keeps such a change out, and no time of change
// shows it surely. Two commits of the same shape even have equal meta pages. So
// an engine is used again only over the file that it has mapped, with both meta
// pages and the list as they were when its last commit was done, read anew.
// Nothing else that bbolt holds comes from the file: the pages it will follow
// are checked for each commit, as with an engine just opened (guard.go).

// restTime is how long an engine rests: longer than a loop takes from one commit
// to the next, and less than anyone waits. An open handle keeps a file system
// from being unmounted, and a removed file from giving back its space. So none
// rests after the few commits of a single command, only after as many as make a
// loop, each within a moment of the one before.
const (
	restTime = 100 * time.Millisecond
	loop     = 8
)

// standing is what in the file an engine depends on.
type standing struct {
	newest, previous meta
	free             []uint64
}

func (a *standing) equal(b *standing) bool {
	return a.newest == b.newest && a.previous == b.previous && slices.Equal(a.free, b.free)
}

// standingOf reads what the file says. With one meta page damaged there is none.
func standingOf(file *os.File) (*standing, error) {
	newest, previous, err := readMetas(file, false)
	if err != nil {
		return nil, err
	}
	free, _, err := readFreelist(file, newest)
	return &standing{*newest, *previous, free}, err
}

// wake gives a session the engine that rests, if it is one for this file as it
// is now.
func (s *session) wake(now *standing) *engine {
	e := s.of.rest.take()
	if e == nil {
		return nil
	}
	if os.SameFile(s.info, e.info) && e.left.equal(now) {
		return e
	}
	e.discard()
	return nil
}

// layDown lets a session's engine rest, and says whether it does. In its first
// session its handle is a duplicate of that one's, and to close this one would
// not unlock; later it has no lock.
func (s *session) layDown(e *engine) bool {
	if e.failed || !e.usable() || !s.of.rest.inLoop() {
		return false
	}
	left, err := standingOf(s.file)
	if err != nil {
		return false
	}
	if e.info == nil && unix.Flock(int(e.file.Fd()), unix.LOCK_UN) != nil {
		return false
	}
	e.info, e.left = s.info, left
	s.of.rest.put(e)
	return true
}

// rest is a store's place for an engine.
type rest struct {
	mu     sync.Mutex
	engine *engine
	end    *time.Timer

	commits int // each within a moment of the one before
	last    time.Time
}

// inLoop counts a commit, and says whether it is one of a loop.
func (r *rest) inLoop() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if now.Sub(r.last) > restTime {
		r.commits = 0
	}
	r.commits, r.last = r.commits+1, now
	return r.commits >= loop
}

// take empties the place: no two sessions ever have one engine.
func (r *rest) take() *engine {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.engine
	r.engine = nil
	return e
}

func (r *rest) put(e *engine) {
	r.mu.Lock()
	e, r.engine = r.engine, e
	if r.end == nil {
		r.end = time.AfterFunc(restTime, func() { r.take().discard() })
	} else {
		r.end.Reset(restTime)
	}
	r.mu.Unlock()
	e.discard()
}

// discard closes an engine that nobody has. It has no error to give, as
// session.close has none.
func (e *engine) discard() {
	if e != nil {
		_ = contained(e.close)
	}
}
