package hsmfile

import (
	"context"

	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/internal/mech"
)

// Wrapped is a key under a wrapping key, in a form that other HSMs and
// OpenSSL read (RFC 3394, RFC 5649).
type Wrapped struct {
	PayloadReference, WrappingReference uint64
	Data                                []byte
}

// Wrap encrypts one key under another. The payload must be extractable and
// the user's own; the wrapping key must have wrap=true.
func (s *Session) Wrap(ctx context.Context, mechanism string, payload, wrapping attr.Filter) (w *Wrapped, err error) {
	err = s.write(ctx, opWrap, func(c *change) error {
		under, err := s.keyFor(&c.view, mechanism, attr.Wrap, wrapping)
		if err != nil {
			return err
		}
		defer under.material.Wipe()
		what, err := s.findOne(&c.view, payload, "secret or private key", isPrivate)
		if err != nil {
			return err
		}
		defer what.material.Wipe()
		if err := s.mayLeave(what, under); err != nil {
			return err
		}
		data, err := mech.Wrap(mechanism, under.material, what.material)
		if err != nil {
			return mechError(err)
		}
		w = &Wrapped{what.ref(), under.ref(), data}
		e := s.entry(c, opWrap)
		e.Keys = []uint64{what.ref(), under.ref()}
		return c.record(e)
	})
	return w, err
}

// mayLeave is the rule of which key may leave under which.
func (s *Session) mayLeave(what, under object) error {
	ref := attr.FormatReference(what.ref())
	switch {
	case what.owner != s.id():
		return refuse(ErrDenied, "its owner can: --as "+s.key(what).Owner, "%s: key %s belongs to user %q", s.im.path, ref, s.key(what).Owner)
	case what.ref() == under.ref():
		return refuse(ErrUsage, "name another wrapping key: --wrapping-filter LABEL", "%s: key %s cannot wrap itself", s.im.path, ref)
	case !what.set.Is(attr.Extractable):
		return refuse(ErrDenied, "that cannot be changed any more; backup create still covers the key", "%s: key %s is not extractable", s.im.path, ref)
	case what.set.Is(attr.WrapWithTrusted) && !under.set.Is(attr.Trusted):
		return refuse(ErrDenied, s.wayToTrust(under), "%s: key %s may be wrapped by a trusted key only", s.im.path, ref)
	}
	return nil
}

// UnwrapSpec says what to bring in, under which key, and as what.
type UnwrapSpec struct {
	Mechanism    string
	Filter       attr.Filter // the unwrapping key
	Data         []byte
	KeyTypeClass string // "aes", "generic-secret", "ec-private", "rsa-private"
	Label        string
	Usage        []string
	Attributes   []string
	ShareWith    []string // CUs who may use it from the start
}

// Unwrap decrypts a wrapped key and stores it as a new object, which is not
// local and was not always sensitive. CU only.
func (s *Session) Unwrap(ctx context.Context, spec UnwrapSpec) (key *Key, err error) {
	if err := checkImport(spec); err != nil {
		return nil, err
	}
	err = s.write(ctx, opUnwrap, func(c *change) error {
		under, err := s.keyFor(&c.view, spec.Mechanism, attr.Unwrap, spec.Filter)
		if err != nil {
			return err
		}
		defer under.material.Wipe()
		o, err := s.unwrapObject(c, spec, under)
		if err != nil {
			return err
		}
		if err := s.hold(c, []object{o}, nil); err != nil {
			return err
		}
		key = s.key(o)
		e := s.entry(c, opUnwrap)
		e.Keys = []uint64{o.ref(), under.ref()}
		if err := c.record(e); err != nil {
			return err
		}
		return s.recordShares(c, []object{o}, o.shared)
	})
	return key, err
}

// checkImport refuses what cannot work before anything is decrypted.
func checkImport(spec UnwrapSpec) error {
	set, err := mech.ImportedSet(spec.KeyTypeClass)
	if err != nil {
		return mechError(err)
	}
	return prepareSet(set, spec.Label, spec.Usage, spec.Attributes)
}

func (s *Session) unwrapObject(c *change, spec UnwrapSpec, under object) (object, error) {
	payload, err := mech.Unwrap(spec.Mechanism, under.material, spec.Data)
	if err != nil {
		return object{}, mechError(err)
	}
	set, material, err := mech.Import(spec.KeyTypeClass, payload)
	if err != nil {
		return object{}, mechError(err)
	}
	defer material.Wipe()
	if err := prepareSet(set, spec.Label, spec.Usage, spec.Attributes); err != nil {
		return object{}, err
	}
	with, err := s.sharers(spec.ShareWith)
	if err != nil {
		return object{}, err
	}
	return s.putObject(c, set, material, with...)
}
