package hsmfile

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"filehsm/hsmfile/internal/chain"
	"filehsm/hsmfile/internal/record"
)

// verify checks the backup's content as an image: v is a view of it.
func (p *RestorePlan) verify(v *view, fingerprint string) error {
	p.head = v.h
	inner := *v.h
	inner.Set = contentLive
	v = &view{im: v.im, r: v.r, h: &inner}
	r, err := v.publicRoster()
	if err != nil {
		return err
	}
	for _, u := range r.Users {
		p.users = append(p.users, fmt.Sprintf("%s (%s)", u.Name, Role(u.Role)))
	}
	p.report.Users = p.users
	if err := p.trust(v, fingerprint); err != nil {
		return err
	}
	if err := p.signedInside(v, r); err != nil {
		return err
	}
	if err := p.agrees(v, r); err != nil {
		return err
	}
	return p.whole(v, r)
}

// trust compares the fingerprint with the one that was known before.
func (p *RestorePlan) trust(v *view, fingerprint string) error {
	have := fingerprintText(v.h.Fingerprint)
	if have == fingerprint && have == p.m.Fingerprint {
		return nil
	}
	about := fmt.Sprintf("serial %s, fingerprint %s, made %s, users %s", p.m.Serial, have, p.m.Created, join(p.users))
	if fingerprint == "" {
		return refuse(ErrUntrusted, "if this is your HSM's fingerprint (vault keygen and activate printed it), add --trust "+have,
			"backup %s is of an HSM that nothing here vouches for: %s", p.m.ID, about)
	}
	return refuse(ErrIntegrity, "look for a backup of the right HSM; --trust names another fingerprint", "backup %s is of another HSM than %s: %s", p.m.ID, fingerprint, about)
}

func join(all []string) string {
	var b bytes.Buffer
	for i, s := range all {
		if i == 8 {
			fmt.Fprintf(&b, " and %d more", len(all)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(s)
	}
	return b.String()
}

// signedInside checks that the manifest is signed by a user whom the backup's
// own roster has as CO or AU.
func (p *RestorePlan) signedInside(v *view, r *roster) error {
	id, _ := hex.DecodeString(p.m.Signer.UserID)
	u := r.ByID(string(id))
	if u == nil || !slices.Contains(operations[opBackup].roles, Role(u.Role)) {
		return p.altered(errors.New("the manifest is not signed by a CO or AU of this HSM"))
	}
	public, err := v.publicAt(u, p.m.Signer.Generation)
	if err != nil {
		return err
	}
	if hex.EncodeToString(public.Verifier) != p.m.Signer.PublicKey || !p.m.verifies() {
		return p.altered(errors.New("the manifest's signature does not verify"))
	}
	return nil
}

// agrees compares what the manifest says with what is inside.
func (p *RestorePlan) agrees(v *view, r *roster) error {
	head, err := chain.Last(v.r)
	if err != nil {
		return p.altered(err)
	}
	i := v.info()
	same := head.Entry != nil && head.Sequence == p.m.HeadSequence && hex.EncodeToString(head.Hash) == p.m.HeadHash &&
		head.Generation == p.m.Generation && int(head.KeyCount) == p.m.KeyCount && r.Epoch == p.m.RosterEpoch &&
		len(r.Users) == p.m.UserCount && i.Serial == p.m.Serial && i.ID == p.m.ImageID && i.Mode == p.m.Mode && i.State == Active
	if !same {
		return p.altered(errors.New("the manifest is not of this content"))
	}
	return nil
}

// whole looks at every record, as image check does.
func (p *RestorePlan) whole(v *view, r *roster) error {
	var report AuditReport
	log, err := v.verifyChain(AuditVerifyOptions{All: true}, &report)
	if err != nil {
		return err
	}
	if _, err := v.checkRecords(log, &report); err != nil {
		return err
	}
	if err := v.checkLogins(r, func(what, problem string) { report.add(what, "%s", problem) }); err != nil {
		return err
	}
	if len(report.Findings) > 0 {
		f := report.Findings[0]
		return p.altered(fmt.Errorf("%d records inside are not right; the first: %s: %s", len(report.Findings), f.Record, f.Problem))
	}
	p.state, err = log.State(log.Last().Sequence)
	return err
}

// compare says what the image had just before it was zeroized and the backup
// does not have, and what the backup has that had been removed by then.
func (p *RestorePlan) compare(ctx context.Context, v *view) error {
	for _, m := range p.newer() {
		p.report.Newer = append(p.report.Newer, fmt.Sprintf("a newer backup, %s, with %s", m.ID, countKeys(m.KeyCount)))
	}
	if p.log == nil {
		return nil
	}
	before, err := p.log.StateFrom(p.state, p.m.HeadSequence, p.log.Zeroized()-1)
	if err != nil {
		return err
	}
	p.compareKeys(before, p.state)
	im, err := Open(ctx, p.path, p.image)
	if err != nil {
		return err
	}
	return im.view(ctx, func(now *view) error {
		live, err := now.publicRoster()
		if err != nil {
			return err
		}
		if err := p.compareMarks(now, live); err != nil {
			return err
		}
		inner := *v.h
		inner.Set = contentLive
		old, err := (&view{im: v.im, r: v.r, h: &inner}).publicRoster()
		if err == nil {
			p.compareUsers(live, old, before, p.state)
		}
		return err
	})
}

// compareMarks asks the image what the other vaults took: a vault that was away
// when the last backup was made looks whole by itself, and lacks the keys since.
func (p *RestorePlan) compareMarks(now *view, live *roster) error {
	for _, x := range live.Vaults {
		mark, err := now.backupMark(x.ID)
		switch {
		case x.ID == p.o.VaultID:
		case errors.Is(err, ErrIntegrity): // it must not be in the way of a restore
			p.report.Newer = append(p.report.Newer, fmt.Sprintf("perhaps a newer backup: what vault %q took last is damaged in the image", x.Name))
		case err != nil:
			return err
		case mark != nil && mark.Generation > p.m.Generation:
			p.report.Newer = append(p.report.Newer, fmt.Sprintf("a newer backup, %s, which vault %q took at %s", mark.ID, x.Name, forEyes(mark.Created)))
			p.report.Elsewhere = append(p.report.Elsewhere, VaultInfo{Name: x.Name, Location: x.Location, ID: x.ID, Recipients: x.Recipients, LastBackup: mark})
		}
	}
	slices.SortStableFunc(p.report.Elsewhere, func(a, b VaultInfo) int {
		return cmp.Compare(b.LastBackup.Generation, a.LastBackup.Generation)
	})
	return nil
}

// forEyes is a time in a sentence.
func forEyes(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func (p *RestorePlan) compareKeys(before, then chain.State) {
	lost, back := keysOnlyIn(before, then), keysOnlyIn(then, before)
	if lost > 0 {
		p.report.Newer = append(p.report.Newer, countKeys(lost)+" made after this backup")
	}
	if back > 0 {
		p.report.ComesBack = append(p.report.ComesBack, countKeys(back)+" that had been deleted")
	}
}

func countKeys(n int) string {
	if n == 1 {
		return "1 key"
	}
	return fmt.Sprintf("%d keys", n)
}

func keysOnlyIn(a, b chain.State) (n int) {
	for _, w := range a.Without(b) {
		if record.Name(w.Name).Kind().KeyObject() {
			n++
		}
	}
	return n
}

func (p *RestorePlan) compareUsers(live, old *roster, before, then chain.State) {
	for _, u := range old.Users {
		name := record.LoginName(string(u.ID))
		switch {
		case live.ByID(string(u.ID)) == nil:
			p.report.ComesBack = append(p.report.ComesBack, fmt.Sprintf("user %q (%s), who had been removed", u.Name, Role(u.Role)))
		case !bytes.Equal(before.Hash(name), then.Hash(name)):
			p.report.ComesBack = append(p.report.ComesBack, fmt.Sprintf("the old password of user %q", u.Name))
		}
	}
	for _, u := range live.Users {
		if old.ByID(string(u.ID)) == nil {
			p.report.Newer = append(p.report.Newer, fmt.Sprintf("user %q (%s), made after this backup", u.Name, Role(u.Role)))
		}
	}
	for _, x := range live.Vaults {
		if old.VaultByName(x.Name) == nil {
			p.report.Newer = append(p.report.Newer, fmt.Sprintf("vault %q, added after this backup", x.Name))
		}
	}
}

// Refused is the refusal of a restore that would bring something back, or
// leave the newest backup in another vault, and was not told that it may; nil
// if it would not.
func (p *RestorePlan) Refused() error {
	if len(p.report.Elsewhere) == 0 && len(p.report.ComesBack) == 0 {
		return nil
	}
	if len(p.report.Elsewhere) == 0 {
		return refuse(ErrOlder, "if that is right, repeat with --accept-older; filehsm backup list shows newer backups",
			"backup %s would bring back %s", p.m.ID, join(p.report.ComesBack))
	}
	x, also := p.report.Elsewhere[0], ""
	if len(p.report.ComesBack) > 0 {
		also = "; it would also bring back " + join(p.report.ComesBack)
	}
	return refuse(ErrOlder, restoreCommand(p.report.Elsewhere)+"; if that vault is lost, repeat with --accept-older",
		"backup %s is not the newest: vault %q took %s at %s%s", p.m.ID, x.Name, x.LastBackup.ID, forEyes(x.LastBackup.Created), also)
}
