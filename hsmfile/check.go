package hsmfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/internal/chain"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/store"
)

// CheckReport is the outcome of Check.
type CheckReport struct {
	Records, Entries int
	Findings         []Finding
}

// Check looks at every record without a login: that it is well formed, in its
// place, signed by who must have signed it, and what the audit chain says was
// written there last. What it finds is in the report; an error means that it
// could not look.
func (im *Image) Check(ctx context.Context) (*CheckReport, error) {
	report := new(CheckReport)
	if err := im.checkPages(ctx, report); err != nil {
		return report, err
	}
	err := im.view(ctx, func(v *view) error { return v.check(report) })
	if errors.Is(err, ErrIntegrity) { // where it stopped is a finding among the others
		report.Findings, err = append(report.Findings, Finding{"records", joinCause(err).Error()}), nil
	}
	return report, err
}

// checkPages lets a store that can look at how it lies on the medium: an
// audit chain says nothing of pages that no record uses.
func (im *Image) checkPages(ctx context.Context, report *CheckReport) error {
	s, ok := im.store.(interface{ Check(context.Context) error })
	if !ok {
		return nil
	}
	err := s.Check(ctx)
	if errors.Is(err, store.ErrDamaged) {
		report.Findings = append(report.Findings, Finding{"file", err.Error()})
		return nil
	}
	return im.fail(err)
}

func (v *view) check(report *CheckReport) error {
	a := new(AuditReport)
	log, err := v.verifyChain(AuditVerifyOptions{All: true}, a)
	if err != nil {
		return err
	}
	report.Records, err = v.checkRecords(log, a)
	report.Entries, report.Findings = a.Entries, append(report.Findings, a.Findings...)
	add := func(what, problem string) { report.Findings = append(report.Findings, Finding{what, problem}) }
	if err == nil {
		err = v.checkPlaces(add)
	}
	if err == nil && State(v.h.State) != Uninitialized {
		err = v.checkMarks(add)
	}
	if err != nil || State(v.h.State) != Active {
		return err
	}
	return v.checkUsers(add)
}

// describeName is a record's name for people.
func describeName(n record.Name) string {
	switch k := n.Kind(); {
	case string(n) == record.HeaderKey():
		return "header"
	case k.KeyObject() || k == record.KindLabel || k == record.KindOffer || k == record.KindShare:
		return fmt.Sprintf("%s %s", k, attr.FormatReference(record.RefOf(n)))
	case n == "":
		return "record without a name"
	default:
		return fmt.Sprintf("%s record %x", k, string(n[1:]))
	}
}

// shapes makes an empty record of a kind, to decode into.
var shapes = map[record.Kind]func() any{
	record.KindRoster:   func() any { return new(record.SignedRoster) },
	record.KindPublic:   func() any { return new(record.Public) },
	record.KindLogin:    func() any { return new(record.Login) },
	record.KindPins:     func() any { return new(record.SealedOwn) },
	record.KindEscrow:   func() any { return new(record.Left) },
	record.KindCommon:   func() any { return new(record.Left) },
	record.KindKey:      func() any { return new(record.Key) },
	record.KindPubObj:   func() any { return new(record.PubObj) },
	record.KindHoldings: func() any { return new(record.SealedOwn) },
	record.KindOffer:    func() any { return new(record.Left) },
	record.KindShare:    func() any { return new(record.Share) },
}

// decodes says what is wrong with a record of the live set by itself.
func decodes(name, b []byte) error {
	var kind record.Kind
	if len(name) > 0 {
		kind = record.Kind(name[0])
	}
	if !kind.Known() {
		return errors.New("it is of no kind that this version knows")
	}
	shape := shapes[kind]
	if shape == nil { // a label is its name
		return nil
	}
	return record.Decode(b, shape())
}

// checkUsers verifies what a login would: counters, login records, and what
// users left for each other.
func (v *view) checkUsers(add func(what, problem string)) error {
	r, err := v.publicRoster()
	if errors.Is(err, ErrIntegrity) {
		return nil // found before
	}
	if err != nil {
		return err
	}
	for i := range r.Users {
		_, err := v.loadCounter(&r.Users[i])
		if err := note(add, "login counter of user "+quote(r.Users[i].Name), err); err != nil {
			return err
		}
	}
	if err := v.checkOrphans(r, add); err != nil {
		return err
	}
	return v.checkLogins(r, add)
}

// checkOrphans looks for keys of users who are gone: a deletion that is to be
// finished has its mark.
func (v *view) checkOrphans(r *roster, add func(what, problem string)) error {
	ids, err := v.orphans(r)
	if err != nil && !errors.Is(err, ErrIntegrity) { // which was found before
		return err
	}
	for _, id := range ids {
		going, err := v.isGoing(id)
		if err != nil {
			return err
		}
		if !going {
			add(fmt.Sprintf("keys of user %x", id), "he is in no roster, and no mark says that they are to be deleted")
		}
	}
	return nil
}

// checkMarks looks at what the image remembers of its vaults: a wrong mark
// would say that keys are in a backup which are in none. A mark may be of a
// vault that the roster does not name, but only where one was removed or an
// older roster came back.
func (v *view) checkMarks(add func(what, problem string)) error {
	r, err := v.publicRoster()
	if errors.Is(err, ErrIntegrity) {
		return nil // found before
	}
	if err != nil {
		return err
	}
	named, lost := map[string]string{}, false
	for _, x := range r.Vaults {
		named[x.ID] = " in vault " + quote(x.Name)
	}
	err = v.r.Scan(record.BackupMarkPrefix(), "", func(key string, _ []byte) error {
		vault := strings.TrimPrefix(key, record.BackupMarkPrefix())
		lost = lost || named[vault] == ""
		_, err := v.backupMark(vault)
		return note(add, "mark of the last backup"+named[vault], err)
	})
	if err != nil || !lost {
		return err
	}
	err = chain.Walk(v.r, func(at chain.Link) error {
		if at.Opcode == chain.RemoveVault || at.Restored != nil {
			lost = false
			return store.ErrStop
		}
		return nil
	})
	if errors.Is(err, chain.ErrBroken) {
		return nil // found before
	}
	if lost && err == nil {
		add("mark of the last backup", "it is of a vault that this image never had")
	}
	return err
}

// note turns a refusal of a record into a finding; other errors stay errors.
func note(add func(what, problem string), what string, err error) error {
	if err == nil || !errors.Is(err, ErrIntegrity) {
		return err
	}
	add(what, joinCause(err).Error())
	return nil
}

// checkLogins verifies login records, common keys and escrows.
func (v *view) checkLogins(r *roster, add func(what, problem string)) error {
	for i := range r.Users {
		u := &r.Users[i]
		_, err := v.loadLogin(u)
		if err := note(add, "login record of user "+quote(u.Name), err); err != nil {
			return err
		}
		err = v.checkLeftAt(record.CommonName(string(u.ID)), r, string(u.ID))
		if err := note(add, "common key of user "+quote(u.Name), err); err != nil {
			return err
		}
	}
	if err := v.checkOffers(r, add); err != nil {
		return err
	}
	return v.scan(record.Name(string(rune(record.KindEscrow))), "", func(n record.Name, _ []byte) error {
		if len(n) < 1+2*record.UserIDSize {
			return nil
		}
		return note(add, describeName(n), v.checkLeftAt(n, r, string(n[1:1+record.UserIDSize])))
	})
}

// checkOffers verifies the author of each offer that nobody took up yet, and
// that he shares a key of his so. One by a user who is gone, and whose key is
// still there, is what his deletion has left to do (checkOrphans).
func (v *view) checkOffers(r *roster, add func(what, problem string)) error {
	return v.scan(record.Name(string(rune(record.KindOffer))), "", func(n record.Name, _ []byte) error {
		var l record.Left
		err := v.need(n, &l)
		if err == nil && r.ByID(string(l.Author)) == nil {
			key, err := v.get(record.KeyName(string(l.Author), record.RefOf(n)))
			if err != nil || key != nil {
				return err
			}
		}
		if err == nil {
			err = v.checkOffer(n, &l, r)
		}
		if err == nil {
			err = v.checkShared(string(l.Author), n)
		}
		return note(add, describeName(n), err)
	})
}

// checkShared says whether an owner has the key that he is said to share, and
// names the receiver in it.
func (v *view) checkShared(owner string, n record.Name) error {
	if len(n) != len(record.OfferName(string(make([]byte, record.UserIDSize)), 0)) {
		return v.im.damaged(describeName(n), record.ErrMalformed) // whoever signs it may give it any name
	}
	var k record.Key
	if err := v.need(record.KeyName(owner, record.RefOf(n)), &k); err != nil {
		return err
	}
	receiver := []byte(n[1 : 1+record.UserIDSize])
	if slices.ContainsFunc(k.Shared, func(id []byte) bool { return bytes.Equal(id, receiver) }) {
		return nil
	}
	return v.im.damaged(describeName(n), errors.New("its owner does not share it with this user"))
}

func (v *view) checkLeftAt(n record.Name, r *roster, about string) error {
	var l record.Left
	if err := v.need(n, &l); err != nil {
		return err
	}
	return v.checkLeft(n, &l, r, about)
}

// joinCause is the innermost text of an integrity refusal: a finding names the
// record itself.
func joinCause(err error) error {
	var e *Error
	if errors.As(err, &e) && e.Err != nil {
		return e.Err
	}
	return err
}
