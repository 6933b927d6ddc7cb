package hsmfile

import (
	"bytes"
	"errors"
	"fmt"

	"filehsm/hsmfile/internal/chain"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/seal"
)

// witnesses says whose signatures over the chain count. The chain lists the
// keys that were ever in force, also of users who are gone; but whoever can
// write the file can add an entry that lists his own. So a listed key counts
// from an entry that was itself signed by a key that counts, and it begins with
// the users of the roster in force, whose keys are followed from there.
type witnesses struct {
	v      *view
	log    *chain.Log
	roster *roster
	until  uint64 // newest entry with a signature that counts
	known  map[string]bool
}

// witnesses reads the signed heads from the newest back, to the first by a
// user of the roster in force: all before it is vouched for by him.
func (v *view) witnesses(log *chain.Log) (*witnesses, error) {
	w := &witnesses{v: v, log: log, known: map[string]bool{}}
	if State(v.h.State) == Uninitialized {
		return w, nil
	}
	r, err := v.publicRoster()
	if err != nil {
		return nil, err
	}
	w.roster = r
	heads, err := v.heads(nil)
	for i := len(heads) - 1; i >= 0 && err == nil && w.until == 0; i-- {
		h := heads[i]
		var current bool
		if current, err = w.inForce(string(h.User), h.Gen, h.Verifier); current && log.Has(h.Sequence, h.Hash) && h.verifies() {
			w.until = h.Sequence
		}
	}
	return w, err
}

// inForce says whether a key is one of a user whom the roster in force names,
// of whatever generation.
func (w *witnesses) inForce(user string, gen uint32, verifier []byte) (bool, error) {
	k := user + string(verifier) + fmt.Sprint(gen)
	if yes, ok := w.known[k]; ok {
		return yes, nil
	}
	var u *record.User
	if w.roster != nil {
		u = w.roster.ByID(user)
	}
	if u == nil {
		return false, nil
	}
	public, err := w.v.publicAt(u, gen)
	if err != nil && !errors.Is(err, ErrIntegrity) {
		return false, err
	}
	w.known[k] = err == nil && bytes.Equal(public.Verifier, verifier)
	return w.known[k], nil
}

// vouch says whether a key was a user's by the entry with this sequence.
func (w *witnesses) vouch(user string, gen uint32, verifier []byte, seq uint64) (bool, error) {
	if w.log.Vouches(user, gen, verifier, min(seq, w.until)) {
		return true, nil
	}
	current, err := w.inForce(user, gen, verifier)
	return current && w.log.Vouches(user, gen, verifier, seq), err
}

// signedHead is a head that is in its place.
type signedHead struct{ record.Head }

func (h signedHead) verifies() bool {
	return seal.VerifySignature(h.Verifier, signHead, h.Signed(), h.Sig)
}

// heads is all signed heads, oldest first. A malformed one goes to report,
// which may be nil.
func (v *view) heads(report *AuditReport) (all []signedHead, err error) {
	err = v.r.Scan(record.HeadPrefix(), "", func(key string, b []byte) error {
		var h signedHead
		if err := record.Decode(b, &h.Head); err == nil && record.HeadKey(h.Sequence, string(h.User)) == key {
			all = append(all, h)
		} else if report != nil {
			report.add("signed head", "it is malformed or not in its place")
		}
		return nil
	})
	return all, err
}

// verifyHeads checks signed heads: every one, or each user's newest and those
// on which the others rest.
func (v *view) verifyHeads(log *chain.Log, every bool, report *AuditReport) error {
	w, err := v.witnesses(log)
	if errors.Is(err, ErrIntegrity) { // found before; without a roster nobody's signature counts
		report.Unsigned = int(log.Last().Sequence)
		return nil
	}
	if err != nil {
		return err
	}
	heads, err := v.heads(report)
	if err != nil {
		return err
	}
	newest := map[string]uint64{}
	for _, h := range heads {
		newest[string(h.User)] = h.Sequence
	}
	signed, trusted := uint64(0), w.until
	for _, h := range heads {
		signed = max(signed, h.Sequence)
		if !every && h.Sequence <= trusted && h.Sequence != newest[string(h.User)] {
			continue
		}
		if err := w.verifyHead(h, report); err != nil {
			return err
		}
	}
	report.Unsigned = int(log.Last().Sequence - min(signed, log.Last().Sequence))
	return nil
}

// verifyHead checks one signature: of this chain's entry, by a key that the
// user had by then.
func (w *witnesses) verifyHead(h signedHead, report *AuditReport) error {
	what := fmt.Sprintf("signed head of entry %d", h.Sequence)
	known, err := w.vouch(string(h.User), h.Gen, h.Verifier, h.Sequence)
	switch {
	case err != nil:
		return err
	case !w.log.Has(h.Sequence, h.Hash):
		report.add(what, "it signs an entry that this chain does not have")
	case !known:
		report.add(what, "its key was never the user's")
	case !h.verifies():
		report.add(what, "its signature does not verify")
	default:
		report.Signatures++
		w.until = max(w.until, h.Sequence)
	}
	return nil
}
