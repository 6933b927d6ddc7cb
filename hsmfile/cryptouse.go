package hsmfile

import (
	"context"
	"hash"
	"io"

	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/internal/mech"
)

// SignSpec says what to sign or verify, and with which key.
type SignSpec struct {
	Mechanism string // "ecdsa", "rsa-pkcs"
	Hash      string // "sha1" to "sha512"; "" is the key's own
	Digest    bool   // Data is the digest already
	Filter    attr.Filter
	Data      io.Reader
}

// Sign signs Data, which is hashed as it is read: it may be larger than
// memory. ECDSA signatures are r ‖ s. CU only.
func (s *Session) Sign(ctx context.Context, spec SignSpec) (ref uint64, signature []byte, err error) {
	digest, err := s.digestFor(ctx, opSign, attr.Sign, &spec)
	if err != nil {
		return 0, nil, err
	}
	err = s.use(ctx, opSign, func(v *view) ([]uint64, error) {
		o, err := s.keyFor(v, spec.Mechanism, attr.Sign, spec.Filter)
		if err != nil {
			return nil, err
		}
		defer o.material.Wipe()
		ref = o.ref()
		signature, err = mech.Sign(spec.Mechanism, spec.Hash, o.material, digest)
		return []uint64{ref}, mechError(err)
	})
	return ref, signature, err
}

// Verify checks a signature over Data; ErrIntegrity if it is none. CU only.
func (s *Session) Verify(ctx context.Context, spec SignSpec, signature []byte) (ref uint64, err error) {
	digest, err := s.digestFor(ctx, opVerify, attr.Verify, &spec)
	if err != nil {
		return 0, err
	}
	err = s.use(ctx, opVerify, func(v *view) ([]uint64, error) {
		o, err := s.keyFor(v, spec.Mechanism, attr.Verify, spec.Filter)
		if err != nil {
			return nil, err
		}
		ref = o.ref()
		return []uint64{ref}, mechError(mech.Verify(spec.Mechanism, spec.Hash, o.material, digest, signature))
	})
	return ref, err
}

// digestFor chooses the hash by the key and reads the data, with no lock of
// the image held: standard input may be slow. The key is checked before, so
// that a wrong one is not found out after a gigabyte.
func (s *Session) digestFor(ctx context.Context, op operation, use attr.Name, spec *SignSpec) ([]byte, error) {
	err := s.read(ctx, op, func(v *view) error {
		o, err := s.keyFor(v, spec.Mechanism, use, spec.Filter)
		if err == nil && spec.Hash == "" {
			spec.Hash = mech.DefaultHash(o.set)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	h, err := mech.NewHash(spec.Hash)
	if err != nil {
		return nil, mechError(err)
	}
	return readDigest(h, spec)
}

func readDigest(h hash.Hash, spec *SignSpec) ([]byte, error) {
	if !spec.Digest {
		if _, err := io.Copy(h, spec.Data); err != nil {
			return nil, &Error{Text: "failed to read the data", Err: err}
		}
		return h.Sum(nil), nil
	}
	digest, err := io.ReadAll(io.LimitReader(spec.Data, int64(h.Size())+1))
	if err != nil {
		return nil, &Error{Text: "failed to read the digest", Err: err}
	}
	if len(digest) != h.Size() {
		return nil, refuse(ErrUsage, "leave --data-type out to have the data hashed", "invalid digest: %s gives %d bytes", spec.Hash, h.Size())
	}
	return digest, nil
}

// keyFor finds the one key that a mechanism can use, and checks that its
// attributes allow it: the one place where that is decided.
func (s *Session) keyFor(v *view, mechanism string, use attr.Name, f attr.Filter) (object, error) {
	m, err := mech.Lookup(mechanism, use)
	if err != nil {
		return object{}, mechError(err)
	}
	o, err := s.findOne(v, f, "key that can "+string(use)+" with "+m.Name, func(set *attr.Set) bool { return m.Takes(use, set) })
	if err != nil {
		return object{}, err
	}
	return o, s.allows(o, use)
}

// allows refuses a key whose attribute forbids the use, and says how it may
// be allowed, or how to get a key that may.
func (s *Session) allows(o object, use attr.Name) error {
	if o.set.Is(use) {
		return nil
	}
	ref := attr.FormatReference(o.ref())
	otherwise := "generate a key that may, with --attributes " + string(use) + "=true or the --usage that needs it; filehsm key list --verbose shows what each may"
	return refuse(ErrDenied, s.wayTo(o, use, "true", otherwise),
		"%s: key %s (%s) has %s=false", s.im.path, ref, o.set.Describe(), use)
}
