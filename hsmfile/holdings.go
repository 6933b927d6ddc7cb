package hsmfile

import (
	"bytes"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"

	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/seal"
	"filehsm/hsmfile/secret"
)

// newHoldings counts nothing yet. The sum's key is random and sealed with it:
// nobody but the owner can make another collection with the same sum.
func newHoldings() *record.Holdings {
	return &record.Holdings{Key: seal.Random(seal.KeySize), Sum: make([]byte, 32)}
}

func (v *view) loadHoldings(user string, keys *seal.UserKeys) (*record.Holdings, error) {
	h := new(record.Holdings)
	if err := v.openOwn(record.HoldingsName(user), placeHoldings, keys, h); err != nil {
		return nil, err
	}
	if len(h.Key) != seal.KeySize || len(h.Sum) != 32 {
		return nil, v.im.damaged("holdings record", record.ErrMalformed)
	}
	return h, nil
}

func (c *change) putHoldings(user string, keys *seal.UserKeys, gen uint32, h *record.Holdings) error {
	return c.sealOwn(record.HoldingsName(user), placeHoldings, keys, gen, h)
}

// toggle adds a key object of one version to the sum, or takes it out again.
func toggle(h *record.Holdings, n record.Name, version uint64) {
	mac := seal.MAC(secret.New(bytes.Clone(h.Key)), binary.BigEndian.AppendUint64([]byte(n), version))
	subtle.XORBytes(h.Sum, h.Sum, mac)
}

// knownHoldings are a session's holdings as it stored them last, and what it
// stored: a loop changes them with each key.
type knownHoldings struct {
	record.Holdings
	stored []byte
}

// hold changes a user's holdings by what was added and removed.
func (s *Session) hold(c *change, added, removed []object) error {
	h, err := s.holdings(&c.view)
	if err != nil {
		return err
	}
	for _, o := range added {
		toggle(h, o.name, o.version)
	}
	for _, o := range removed {
		toggle(h, o.name, o.version)
	}
	h.Count += uint64(len(added)) - uint64(len(removed))
	if err := c.putHoldings(s.id(), s.keys, s.login.Gen, h); err != nil {
		return err
	}
	stored, err := c.get(record.HoldingsName(s.id()))
	s.known = knownHoldings{*h, stored}
	return err
}

// holdings are the user's, whose count and sum the caller may change.
func (s *Session) holdings(v *view) (*record.Holdings, error) {
	stored, err := v.get(record.HoldingsName(s.id()))
	if err != nil {
		return nil, err
	}
	if len(stored) == 0 || !bytes.Equal(stored, s.known.stored) {
		return v.loadHoldings(s.id(), s.keys)
	}
	h := s.known.Holdings
	h.Sum = bytes.Clone(h.Sum)
	return &h, nil
}

// compareHoldings says whether the objects that were found are those that the
// owner had: one removed, or put back in an older version, shows here.
func (s *Session) compareHoldings(v *view, found []object) error {
	want, err := v.loadHoldings(s.id(), s.keys)
	if err != nil {
		return err
	}
	have := &record.Holdings{Count: uint64(len(found)), Key: want.Key, Sum: make([]byte, 32)}
	for _, o := range found {
		toggle(have, o.name, o.version)
	}
	switch {
	case have.Count != want.Count:
		return v.im.damaged("key store", fmt.Errorf("user %q has %d keys, and %d are there", s.name, want.Count, have.Count))
	case !bytes.Equal(have.Sum, want.Sum):
		return v.im.damaged("key store", errors.New("a key was removed, or is of an older version"))
	}
	return nil
}
