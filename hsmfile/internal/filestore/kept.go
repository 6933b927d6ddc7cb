package filestore

import (
	"os"
	"time"
)

// What a session has read and checked of a revision, or laid, is kept for the
// next one: a command has several, and each would read the same few pages; so
// would each commit of a loop. It counts only while nobody has written the file
// since. A commit shows in the newest meta page, and by its nonce also where an
// older copy was put back and took the same way. Anything else that comes over
// the file shows in its time of change, which nobody can set back, as he can the
// time of modification.

// handle is the file of the session that has the revision; its pages read what
// lies beyond their heads through it.
type handle struct{ *os.File }

// kept is how the file was when a revision was kept of it.
type kept struct {
	file  status
	until time.Time // zero: for good
}

// What a transaction holds on to of leaves, and a store of branches between two,
// in pages.
const (
	keptLeaves   = 64
	keptBranches = 64
)

// cacheLeaf holds on to a leaf for the next look-up.
func (t *tree) cacheLeaf(p *page) {
	if t.leaves[p.id] == nil && len(t.leaves) >= keptLeaves {
		clear(t.leaves)
	}
	t.leaves[p.id] = p
}

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
// one to the next. A change of the file that follows within one step of the file
// system's clock does not show in its time. It does no harm: if no commit came,
// then what we know of ours is right, and what was changed below it is overwritten
// or found when it is read.
const loop = 100 * time.Millisecond

// recall gives the revision kept to one session.
func (s *session) recall(newest *meta) *tree {
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

// remember is the end of a transaction that changed nothing.
func (s *session) remember(t *tree) {
	if t.kept.until.IsZero() {
		is, err := statusOf(s.file)
		if err != nil || is != s.is || time.Since(time.Unix(is.changed.seconds, is.changed.nanoseconds)) <= s.of.settled {
			t.drop()
			return
		}
		t.kept.file = is
	}
	s.leave(t)
}

// rememberLaid is the end of a commit, of which this came.
func (s *session) rememberLaid(t *tree) {
	is, err := statusOf(s.file)
	if err != nil {
		t.drop()
		return
	}
	s.is, s.known = is, true
	t.kept = kept{is, time.Now().Add(loop)}
	s.leave(t)
}

func (s *session) leave(t *tree) {
	if _, ours := t.file.(*handle); !ours {
		t.drop()
		return
	}
	t.trim(t.branches, keptBranches)
	t.trim(t.leaves, keptLeaves/2) // the next transaction will want others
	t.end()
	s.of.kept.Store(t)
}
