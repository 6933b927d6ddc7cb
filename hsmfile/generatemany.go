package hsmfile

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"filehsm/hsmfile/internal/store"
)

// MaxCount bounds how many keys one call makes.
const MaxCount = 1_000_000

// batchTime is how long keys are made before they are stored, so that who
// interrupts a long run of RSA keys loses a second of it and not an hour.
const batchTime = time.Second

// offersPerTransaction bounds what one entry of the audit log has to list.
const offersPerTransaction = 2 * perTransaction

// Many says how many keys to make. Each gets the label of the spec and its
// number, "-000001" and on. Stored is told of those that a transaction has
// stored, a private key before its public one; no lock is held then, and an
// error from it ends the making.
type Many struct {
	Count  int
	Stored func([]*Key) error
}

// GenerateManySymmetric makes secret keys, up to a thousand a transaction. It
// says how many were made: these stay, whatever error ends it. CU only.
func (s *Session) GenerateManySymmetric(ctx context.Context, spec SymmetricSpec, many Many) (made int, err error) {
	base := spec.Label
	spec.Label = numbered(base, many.Count) // the longest
	set, err := spec.prepare()
	if err != nil {
		return 0, err
	}
	return s.generateMany(ctx, maker{op: opGenerate, objects: 1, shareWith: spec.ShareWith, make: func(i int) ([]half, error) {
		next := *set
		next.Label = numbered(base, i)
		return spec.generate(next)
	}}, many)
}

// GenerateManyPairs is GenerateManySymmetric for key pairs, which it counts.
func (s *Session) GenerateManyPairs(ctx context.Context, spec PairSpec, many Many) (made int, err error) {
	public, private := spec.PublicLabel, spec.PrivateLabel
	spec.PublicLabel, spec.PrivateLabel = numbered(public, many.Count), numbered(private, many.Count)
	priv, pub, err := spec.prepare()
	if err != nil {
		return 0, err
	}
	return s.generateMany(ctx, maker{op: opGeneratePair, objects: 2, shareWith: spec.ShareWith, make: func(i int) ([]half, error) {
		nextPriv, nextPub := *priv, *pub
		nextPriv.Label, nextPub.Label = numbered(private, i), numbered(public, i)
		return spec.generate(nextPriv, nextPub)
	}}, many)
}

func numbered(label string, i int) string { return fmt.Sprintf("%s-%06d", label, i) }

// maker makes the keys of one call: make gives the objects of number i.
type maker struct {
	op        operation
	objects   int
	shareWith []string
	make      func(i int) ([]half, error)
}

// perBatch is how many keys one transaction takes.
func (m *maker) perBatch() int {
	return max(1, min(perTransaction/m.objects, offersPerTransaction/max(1, len(m.shareWith))))
}

func (s *Session) generateMany(ctx context.Context, m maker, many Many) (made int, err error) {
	if many.Count < 1 || many.Count > MaxCount {
		return 0, refuse(ErrUsage, fmt.Sprintf("it is 1 to %d", MaxCount), "invalid count %d", many.Count)
	}
	if err := s.mayGenerate(ctx, m); err != nil {
		return 0, err
	}
	for made < many.Count {
		n, keys, err := s.generateBatch(ctx, m, made+1, many.Count)
		made += n
		if err == nil && many.Stored != nil {
			err = many.Stored(keys)
		}
		if err != nil {
			return made, s.stopped(made, many.Count, err)
		}
	}
	return made, nil
}

// mayGenerate finds out before a minute of making what would refuse the
// storing.
func (s *Session) mayGenerate(ctx context.Context, m maker) error {
	return s.read(ctx, m.op, func(*view) error {
		_, err := s.sharers(m.shareWith)
		return err
	})
}

// generateBatch makes keys from a number on, and stores them.
func (s *Session) generateBatch(ctx context.Context, m maker, from, last int) (n int, keys []*Key, err error) {
	var halves []half
	defer func() { wipe(halves) }()
	for begin := time.Now(); n < m.perBatch() && from+n <= last; n++ {
		if n > 0 && time.Since(begin) > batchTime {
			break
		}
		if err := ctx.Err(); err != nil {
			return 0, nil, err
		}
		h, err := m.make(from + n)
		if err != nil {
			return 0, nil, err
		}
		halves = append(halves, h...)
	}
	if keys, err = s.addObjects(ctx, m.op, halves, m.shareWith); err != nil {
		return 0, nil, err
	}
	return n, keys, nil
}

func wipe(halves []half) {
	for _, h := range halves {
		h.material.Wipe()
	}
}

// stopped says what stays of a call that was ended early.
func (s *Session) stopped(made, count int, err error) error {
	e := &Error{Text: fmt.Sprintf("%s: %d of %d keys were made and are kept", s.im.path, made, count), Err: err}
	if made > 0 {
		e.Hint = "filehsm key list shows them"
	}
	switch {
	case errors.Is(err, context.Canceled):
		e.Kind, e.Err = context.Canceled, nil
		e.Text = strings.Replace(e.Text, ": ", ": interrupted: ", 1)
	case made == 0:
		return err
	case errors.Is(err, store.ErrNotExist):
		e.Kind, e.Err = ErrNotFound, nil
		e.Text = fmt.Sprintf("%s: %d of %d keys were made, and the file that they are in is not here any more", s.im.path, made, count)
		e.Hint = "if the file was moved, the keys are in it"
	}
	return e
}
