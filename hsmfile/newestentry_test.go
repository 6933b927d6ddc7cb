package hsmfile

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"filehsm/hsmfile/internal/chain"
	"filehsm/hsmfile/internal/record"
)

// newestEntry is the store key of a sample's newest audit entry.
func (s *sample) newestEntry() (key string) {
	for k := range s.now {
		if strings.HasPrefix(k, record.EntryPrefix()) && k > key {
			key = k
		}
	}
	return key
}

// TestNewestEntry: no entry continues the newest one, so the chain does not
// hold it. While nobody has signed it, the log says so; what else is told from
// it (how many keys, which generation) image check finds. Once it is signed,
// the log itself refuses.
func TestNewestEntry(t *testing.T) {
	s := newSample(t)
	s.flipNewestEntry(true)
	s.aes(must[*Session](t)(s.im.Resume(s.ctx, s.token)), "c")
	s.now = records(t, s.path)
	s.flipNewestEntry(false)
	for what, edit := range map[string]func(*chain.Entry){
		"keys": func(e *chain.Entry) { e.KeyCount-- }, "generation": func(e *chain.Entry) { e.Generation-- },
	} {
		e := must[*chain.Entry](t)(chain.Decode(s.now[s.newestEntry()]))
		edit(e)
		all := maps.Clone(s.now)
		all[s.newestEntry()] = e.Encode()
		if report, err := inMemory(t, all).Check(s.ctx); err == nil && len(report.Findings) == 0 {
			t.Errorf("an unsigned entry with another number of %s is not found", what)
		}
	}
}

func (s *sample) flipNewestEntry(signed bool) {
	s.Helper()
	key := s.newestEntry()
	was := inMemory(s.T, s.now)
	log, status := s.log(was), must[*Status](s.T)(was.Status(s.ctx))
	if log[len(log)-1].Unsigned == signed {
		s.Fatalf("the newest entry is signed: %t", !signed)
	}
	for i := range s.now[key] {
		all := maps.Clone(s.now)
		all[key] = slices.Clone(s.now[key])
		all[key][i] ^= 1 << (i % 8)
		im := inMemory(s.T, all)
		report, err := im.Check(s.ctx)
		found := err != nil || len(report.Findings) > 0
		if signed && !found {
			s.Errorf("byte %d of a signed entry: image check finds nothing", i)
		}
		if got := s.log(im); got != nil && (signed || !reflect.DeepEqual(got[:len(got)-1], log[:len(log)-1]) || !got[len(got)-1].Unsigned) {
			s.Errorf("byte %d, signed %t: the log says %+v", i, signed, got[len(got)-1])
		}
		if got, err := im.Status(s.ctx); err == nil && !found && !reflect.DeepEqual(got, status) {
			s.Errorf("byte %d, signed %t: nothing is found, and the status is\n%+v, not\n%+v", i, signed, got, status)
		}
	}
}

// log is an image's whole audit log; nil if it is refused.
func (s *sample) log(im *Image) (all []AuditEntry) {
	s.Helper()
	err := im.AuditLog(s.ctx, 0, func(e AuditEntry) error {
		all = append(all, e)
		return nil
	})
	if err != nil {
		if !errors.Is(err, ErrIntegrity) {
			s.Errorf("the log: %v", err)
		}
		return nil
	}
	return all
}
