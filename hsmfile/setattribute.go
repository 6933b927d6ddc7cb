package hsmfile

import (
	"cmp"
	"context"
	"slices"

	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/store"
)

// SetAttribute changes one attribute of a key, as the attribute table allows.
// A CU changes his own keys; a CO sets trusted, and names the key by its
// reference, for he sees no label.
func (s *Session) SetAttribute(ctx context.Context, f attr.Filter, name, value string) (uint64, error) {
	all, err := attr.ParseAssignments([]string{name + "=" + value})
	if err != nil {
		return 0, attrError(err)
	}
	if s.Role() == CO {
		return s.setTrustedFlag(ctx, f, all[0])
	}
	var ref uint64
	err = s.write(ctx, opSetAttribute, func(c *change) error {
		o, err := s.findOne(&c.view, f, "key", anyKey)
		if err == nil {
			err = s.mayChange(o)
		}
		if err != nil {
			return err
		}
		after := o
		set := *o.set
		after.set = &set
		if err := set.Modify(all[0], false); err != nil {
			return s.notByOwner(o, all[0], attrError(err))
		}
		if _, err := s.rewrite(c, o, after); err != nil {
			return err
		}
		ref = o.ref()
		e := s.entry(c, opSetAttribute)
		e.Keys = []uint64{ref}
		return c.record(e)
	})
	return ref, err
}

// setTrustedFlag enters a key in the roster's list of trusted ones, or takes
// it out: a statement that officers sign, and no owner can make.
func (s *Session) setTrustedFlag(ctx context.Context, f attr.Filter, a attr.Assignment) (uint64, error) {
	ref, ok := f.Reference()
	if !ok {
		return 0, refuse(ErrUsage, "the key's owner can tell it: filehsm key list; then --filter key-reference=0x…", "a CO names a key by its reference")
	}
	if a.Name != attr.Trusted {
		return 0, refuse(ErrDenied, "its owner can change it", "attribute %q is set by the key's owner; a CO sets trusted alone", a.Name)
	}
	return ref, s.write(ctx, opTrust, func(c *change) error {
		listed := func(x record.Trusted) bool { return x.Reference == ref }
		var owner []byte
		if a.Value == "true" || !slices.ContainsFunc(s.roster.Trusted, listed) { // what is listed can be taken out when the key is gone
			var err error
			if owner, err = c.ownerOf(ref); err != nil {
				return err
			}
		}
		r, err := c.putRoster(s.roster, s.signer(), func(r *record.Roster) {
			r.Trusted = slices.DeleteFunc(slices.Clone(r.Trusted), listed)
			if a.Value == "true" {
				r.Trusted = append(r.Trusted, record.Trusted{Owner: owner, Reference: ref})
				slices.SortFunc(r.Trusted, func(x, y record.Trusted) int { return cmp.Compare(x.Reference, y.Reference) })
			}
		})
		if err := s.pin(c, r, err); err != nil {
			return err
		}
		e := s.entry(c, opTrust)
		e.Keys = []uint64{ref}
		if err := c.record(e); err != nil {
			return err
		}
		return c.signHead(s.author())
	})
}

// ownerOf looks for a reference among all owners' keys.
func (v *view) ownerOf(ref uint64) (owner []byte, err error) {
	var public record.PubObj
	if ok, err := v.load(record.PubObjName(ref), &public); err != nil || ok {
		return public.Owner, err
	}
	err = v.scan(record.Name(string(rune(record.KindKey))), "", func(n record.Name, _ []byte) error {
		if record.RefOf(n) != ref {
			return nil
		}
		owner = []byte(n[1 : 1+record.UserIDSize])
		return store.ErrStop
	})
	if err == nil && owner == nil {
		err = refuse(ErrNotFound, "the key's owner can tell it: filehsm key list", "%s: no key %s", v.im.path, attr.FormatReference(ref))
	}
	return owner, err
}
