package filestore

import (
	"os"
	"time"
)

// revision is what a session has read and checked of one revision, kept for the
// next one: a command has several, and each would read the same few pages. It
// counts only while nobody has written the file since, which its newest meta
// page and its time of change say.
type revision struct {
	tree *tree
	file *handle
	info os.FileInfo
}

// handle is the file of the session that has the revision; its pages read what
// lies beyond their heads through it.
type handle struct{ *os.File }

// keptBranches bounds what a store holds on to, in pages. A listing reads more,
// and does not come again in the same command.
const keptBranches = 64

// settled is how long ago the last write must be for the next one to show in
// the time of change: some file systems count in steps of two seconds.
const settled = 3 * time.Second

// take gives the revision kept to one session.
func (s *session) take(newest *meta) *tree {
	r := s.of.kept.Swap(nil)
	if r == nil || *r.tree.meta != *newest {
		return nil
	}
	info, err := s.file.Stat()
	if err != nil || !os.SameFile(info, r.info) || info.Size() != r.info.Size() || !info.ModTime().Equal(r.info.ModTime()) {
		return nil
	}
	r.file.File = s.file
	return &tree{file: r.file, meta: newest, root: r.tree.root, directory: r.tree.directory,
		branches: r.tree.branches, leaves: r.tree.leaves, spare: &s.of.spare, remembered: true}
}

// keep is the end of a transaction that changed nothing.
func (s *session) keep(t *tree) {
	file, ours := t.file.(*handle)
	info, err := s.file.Stat()
	if ours && err == nil && time.Since(info.ModTime()) > settled && len(t.branches) <= keptBranches {
		t.end()
		s.of.kept.Store(&revision{t, file, info})
		return
	}
	t.drop()
}
