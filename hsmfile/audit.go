package hsmfile

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"filehsm/hsmfile/internal/chain"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/store"
)

// Finding is something that an image must not have: which record, and what is
// wrong with it.
type Finding struct{ Record, Problem string }

// AuditLog calls fn for each entry after a sequence, oldest first; 0 is all of
// them. Needs no login. It reads a thousand at a time and calls fn with nothing
// held: whoever pages through the log must not keep others from logging in.
func (im *Image) AuditLog(ctx context.Context, after uint64, fn func(AuditEntry) error) error {
	for {
		page, err := im.auditPage(ctx, after)
		if err != nil {
			return err
		}
		for _, e := range page {
			if err := fn(e); err != nil {
				return err
			}
			after = e.Sequence
		}
		if len(page) < perTransaction {
			return nil
		}
	}
}

func (im *Image) auditPage(ctx context.Context, after uint64) (page []AuditEntry, err error) {
	err = im.view(ctx, func(v *view) error {
		signed, err := v.lastSigned()
		if err != nil {
			return err
		}
		err = chain.WalkFrom(v.r, after, func(at chain.Link) error {
			if page = append(page, publicEntry(at, signed)); len(page) == perTransaction {
				return store.ErrStop
			}
			return nil
		})
		if errors.Is(err, chain.ErrBroken) {
			return im.damaged("audit chain", err)
		}
		return err
	})
	return page, err
}

func publicEntry(at chain.Link, signed uint64) AuditEntry {
	return AuditEntry{Sequence: at.Sequence, Time: time.UnixMilli(at.Time).UTC(), Opcode: at.Opcode.String(), Code: uint16(at.Opcode),
		Username: at.Username, Role: Role(at.Role), Keys: at.Keys, Result: at.Result, Subject: at.Subject,
		Hash: hex.EncodeToString(at.Hash), Unsigned: at.Sequence > signed}
}

// lastSigned is the sequence of the newest signed head, which must be of this
// chain: the entries before are held by the links between them, and it by
// nothing else until there is another. Whose signature it is, audit verify
// looks at.
func (v *view) lastSigned() (uint64, error) {
	key, b, err := v.r.Last(record.HeadPrefix())
	if err != nil || b == nil {
		return 0, err
	}
	var h record.Head
	err = record.Decode(b, &h)
	if err == nil && key != record.HeadKey(h.Sequence, string(h.User)) {
		err = record.ErrMalformed
	}
	if err != nil {
		return 0, v.im.damaged("signed head", err)
	}
	at, err := chain.At(v.r, h.Sequence)
	if err == nil && (at.Entry == nil || !bytes.Equal(at.Hash, h.Hash)) {
		err = fmt.Errorf("entry %d is not the one that was signed", h.Sequence)
	}
	if err != nil {
		return 0, v.im.damaged("audit chain", err)
	}
	return h.Sequence, nil
}

// AuditVerifyOptions: All checks every signature, not each user's newest;
// Manifests are the newest of each vault at hand.
type AuditVerifyOptions struct {
	All       bool
	Manifests []*Manifest
}

// AuditReport is the outcome of AuditVerify.
type AuditReport struct {
	Entries, Signatures, Unsigned int
	Head                          string // hex hash of the newest entry
	Findings                      []Finding
}

func (r *AuditReport) add(what, format string, args ...any) {
	r.Findings = append(r.Findings, Finding{what, fmt.Sprintf(format, args...)})
}

// AuditVerify checks the chain, the signatures over it, and that what the
// image holds is what the chain says was written. Needs no login; what it
// finds is in the report, and an error means that it could not look.
func (im *Image) AuditVerify(ctx context.Context, o AuditVerifyOptions) (*AuditReport, error) {
	report := new(AuditReport)
	err := im.view(ctx, func(v *view) error { return v.auditVerify(o, report) })
	return report, err
}

func (v *view) auditVerify(o AuditVerifyOptions, report *AuditReport) error {
	log, err := v.verifyChain(o, report)
	if err != nil || log == nil {
		return err
	}
	_, err = v.compareState(log, newPacker(), func(what, problem string) { report.add(what, "%s", problem) }, nil)
	return err
}

// verifyChain is AuditVerify without the records; no log if the chain is
// broken.
func (v *view) verifyChain(o AuditVerifyOptions, report *AuditReport) (*chain.Log, error) {
	log, err := v.readLog(report)
	if err != nil || log == nil {
		return nil, err
	}
	report.Entries = int(log.Last().Sequence)
	report.Head = hex.EncodeToString(log.Last().Hash)
	if State(v.h.State) != Uninitialized {
		if err := v.verifyRosterReport(report); err != nil {
			return nil, err
		}
	}
	if seq := log.Odd(); seq > 0 {
		report.add(fmt.Sprintf("audit entry %d", seq), "its generation is not the one that what it wrote makes")
	}
	if err := v.verifyHeads(log, o.All, report); err != nil {
		return nil, err
	}
	for _, m := range o.Manifests {
		err := v.checkManifest(log, m)
		if errors.Is(err, ErrIntegrity) {
			report.add("backup "+m.ID, "%v", err)
		} else if err != nil {
			return nil, err
		}
	}
	return log, nil
}

// readLog walks the chain; a break is a finding, and no log.
func (v *view) readLog(report *AuditReport) (*chain.Log, error) {
	log, err := chain.Read(v.r, nil)
	switch {
	case errors.Is(err, chain.ErrBroken):
		report.add("audit chain", "%v", err)
		return nil, nil
	case err != nil:
		return nil, err
	case log.Last().Entry == nil:
		report.add("audit chain", "it is empty")
		return nil, nil
	}
	return log, nil
}

// verifyRosterReport turns a refusal of the roster into a finding.
func (v *view) verifyRosterReport(report *AuditReport) error {
	_, err := v.publicRoster()
	if errors.Is(err, ErrIntegrity) {
		report.add("roster", "%v", joinCause(err))
		return nil
	}
	return err
}

// Head is the newest audit entry: its sequence, and its hash in hex.
func (im *Image) Head(ctx context.Context) (seq uint64, hash string, err error) {
	err = im.view(ctx, func(v *view) error {
		seq, hash, err = v.head()
		return err
	})
	return seq, hash, err
}

func (v *view) head() (seq uint64, hash string, err error) {
	last, err := chain.Last(v.r)
	if err == nil && last.Entry != nil {
		seq, hash = last.Sequence, hex.EncodeToString(last.Hash)
	}
	return seq, hash, err
}

// Continues says whether an entry seen before is still in the chain: if not,
// the file is an older copy, or another image.
func (im *Image) Continues(ctx context.Context, seq uint64, hash string) (same bool, err error) {
	err = im.view(ctx, func(v *view) error {
		entry, err := v.r.Get(record.EntryKey(seq))
		same = isEntry(entry, hash)
		return err
	})
	return same, err
}

// NewHead is Head if that is another entry than the one seen before, else 0.
func (im *Image) NewHead(ctx context.Context, seq uint64, hash string) (newSeq uint64, newHash string, err error) {
	err = im.view(ctx, func(v *view) error {
		key, entry, err := v.r.Last(record.EntryPrefix())
		if err != nil || key == record.EntryKey(seq) && isEntry(entry, hash) {
			return err
		}
		newSeq, newHash, err = v.head()
		return err
	})
	return newSeq, newHash, err
}

// isEntry compares an entry with one that was read before; being the same, it
// need not be read again, and an entry can be large.
func isEntry(stored []byte, hash string) bool {
	return stored != nil && hex.EncodeToString(record.Hash(stored)) == hash
}
