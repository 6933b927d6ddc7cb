package filestore

import (
	"os"
	"time"
)

// What a session has read and checked of a revision, or laid, is kept for the
// next one: a command has several, and each would read the same few pages; so
// would each commit of a loop. It counts only while nobody has written the file
// since. Of every commit the newest meta page says so, which has a random number
// of each: an older copy that took the same way is told apart. Of anything else
// that comes over the file the time of change does, which cannot be set back as
// the time of modification can.

// handle is the file of the session that has the revision; its pages read what
// lies beyond their heads through it.
type handle struct{ *os.File }

// kept is how the file was when a revision was kept of it.
type kept struct {
	file  status
	until time.Time // zero: for good
}

// keptBranches bounds what a store holds on to, in pages.
const keptBranches = 64

// trim lets some pages go, any, until there are n.
func (t *tree) trim(pages map[uint64]*page, n int) {
	for id, p := range pages {
		if len(pages) <= n {
			return
		}
		t.recycle(p)
		delete(pages, id)
	}
}

// settled is how long ago the last write must be for the next one to show in
// the time of change: some file systems count in steps of two seconds.
const settled = 3 * time.Second

// loop is how long what a commit has laid is kept: longer than a loop takes from
// one to the next. The file was just written, so a change of its pages alone, in
// the same step of the file system's time, does not show: it is overwritten, or
// found when the pages are read. What we know of the commit is right without.
const loop = 100 * time.Millisecond

// take gives the revision kept to one session.
func (s *session) take(newest *meta) *tree {
	t := s.of.kept.Swap(nil)
	if t == nil {
		return nil
	}
	if *t.meta != *newest || s.is != t.kept.file || !t.kept.until.IsZero() && time.Now().After(t.kept.until) {
		t.drop()
		return nil
	}
	t.file.(*handle).File = s.file
	own := *t // whoever had it stays at his end
	own.over = false
	return &own
}

// keep is the end of a transaction that changed nothing.
func (s *session) keep(t *tree) {
	if t.kept.until.IsZero() {
		is, err := statusOf(s.file)
		if err != nil || is != s.is || time.Since(time.Unix(is.changed.seconds, is.changed.nanoseconds)) <= s.of.settled {
			t.drop()
			return
		}
		t.kept.file = is
	}
	s.put(t)
}

// keepLaid is the end of a commit, of which this came.
func (s *session) keepLaid(t *tree) {
	is, err := statusOf(s.file)
	if err != nil {
		t.drop()
		return
	}
	t.kept = kept{is, time.Now().Add(loop)}
	s.put(t)
}

func (s *session) put(t *tree) {
	if _, ours := t.file.(*handle); !ours {
		t.drop()
		return
	}
	t.trim(t.branches, keptBranches)
	t.trim(t.leaves, keptLeaves/2) // the next transaction will want others
	t.end()
	s.of.kept.Store(t)
}
