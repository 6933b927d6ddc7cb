package filestore

import (
	"bytes"
	"context"
	"fmt"
	"os"
)

// Scrub overwrites with zeros whatever deleted and replaced records left in
// the file, and syncs. It waits until no reader is in.
//
// That is in pages that are free and beyond the high-water mark (also what a
// failed commit wrote). Live pages hold none of it: they are written whole, zeros
// behind their last record. But the older of the two meta pages still refers to
// the pages of the commit before, the deleted records among them. So:
//
//  1. Commit a change that changes nothing. The older meta page now describes
//     the same records as the newest: THE POINT from which nothing deleted is
//     referred to.
//  2. Walk both revisions and hold them against the free list: every page below
//     the mark must be used once, or free. If not, the image is damaged and
//     nothing is overwritten.
//  3. Overwrite all pages that neither revision uses, and the rest of the file.
//  4. Sync.
//
// No step touches what a meta page refers to, so it can be killed anywhere and
// repeated, and either revision stays whole. Zeros are not written over zeros.
//
// Reading takes time in the size of the image; records written, in what was
// deleted since the last Scrub.
func (s *Store) Scrub(ctx context.Context) error {
	return s.session(ctx, true, (*session).scrub)
}

func (s *session) scrub() error {
	if err := s.touch(); err != nil {
		return err
	}
	used, err := s.usedByEither()
	if err != nil {
		return err
	}
	if err := wipeUnused(s.file, used, s.is.size); err != nil {
		return fmt.Errorf("failed to overwrite deleted records: %w", err)
	}
	if err := (synced{s.file}).Sync(); err != nil {
		return fmt.Errorf("failed to sync the image: %w", err)
	}
	return nil
}

// touch commits the filler anew.
func (s *session) touch() error {
	t, err := s.tree()
	if err != nil {
		return err
	}
	return s.commit(t, []change{{key: fillerKey, value: fillerValue}})
}

// usedByEither returns the pages of the newest revision and of the one before.
func (s *session) usedByEither() (pageSet, error) {
	newest, previous, err := s.metas(false)
	if err != nil {
		return nil, err
	}
	if previous.pages > newest.pages {
		return nil, damaged("its older meta page has %d pages, the newest %d", previous.pages, newest.pages)
	}
	used, err := s.usedPages(newest, (*tree).peek)
	if err != nil {
		return nil, err
	}
	before := make(pageSet, len(used))
	err = s.mark(previous, (*tree).peek, before, used)
	for id, inUse := range before {
		used[id] = used[id] || inUse
	}
	return used, err
}

// wipeUnused zeroes each run of pages that are not used, and what follows the
// last page.
func wipeUnused(file *os.File, used pageSet, size int64) error {
	start := int64(-1)
	for id, inUse := range used {
		offset := int64(id) * pageSize
		switch {
		case !inUse && start < 0:
			start = offset
		case inUse && start >= 0:
			if err := wipe(file, start, offset); err != nil {
				return err
			}
			start = -1
		}
	}
	if start < 0 {
		start = int64(len(used)) * pageSize
	}
	return wipe(file, start, size)
}

// wipe zeroes the bytes from start to end. Pages that are zeros are left alone:
// most are holes, and a full disk has no room to fill those.
func wipe(file *os.File, start, end int64) error {
	b := make([]byte, min(wipeStep, end-start))
	for ; start < end; start += wipeStep {
		b = b[:min(wipeStep, end-start)]
		if err := readAt(file, b, start); err != nil {
			return err
		}
		if err := wipePages(file, b, start); err != nil {
			return err
		}
	}
	return nil
}

// wipeStep is how many bytes are read at once.
const wipeStep = 16 * pageSize

var zeroPage [pageSize]byte

// wipePages zeroes the pages whose content is b.
func wipePages(file *os.File, b []byte, start int64) error {
	for i := 0; i < len(b); i += pageSize {
		page := b[i:min(i+pageSize, len(b))]
		if bytes.Equal(page, zeroPage[:len(page)]) {
			continue
		}
		if _, err := file.WriteAt(zeroPage[:len(page)], start+int64(i)); err != nil {
			return err
		}
	}
	return nil
}
