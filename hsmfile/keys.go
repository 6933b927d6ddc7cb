package hsmfile

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"errors"

	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/internal/mech"
	"filehsm/hsmfile/internal/record"
)

// DeleteKey removes the one key that matches, for ever. Its owner only.
func (s *Session) DeleteKey(ctx context.Context, f attr.Filter) (*Key, error) {
	var key *Key
	err := s.write(ctx, opDeleteKey, func(c *change) error {
		o, err := s.findOne(&c.view, f, "key", anyKey)
		if err != nil {
			return err
		}
		if err := s.mayDelete(o); err != nil {
			return err
		}
		key = s.key(o)
		return s.deleteObject(c, o)
	})
	return key, err
}

func (s *Session) mayDelete(o object) error {
	ref := attr.FormatReference(o.ref())
	if o.owner != s.id() {
		return refuse(ErrDenied, "its owner can: filehsm key delete --as "+s.key(o).Owner, "%s: key %s belongs to user %q", s.im.path, ref, s.key(o).Owner)
	}
	if !o.set.Is(attr.Destroyable) {
		return refuse(ErrDenied, s.wayTo(o, attr.Destroyable, "true", "it was made with destroyable=false"), "%s: key %s may not be destroyed", s.im.path, ref)
	}
	return nil
}

func (s *Session) deleteObject(c *change, o object) error {
	label, err := s.labelName(&c.view, o)
	if err != nil {
		return err
	}
	if label != "" {
		if err := c.drop(label); err != nil {
			return err
		}
	}
	if err := c.drop(o.name); err != nil {
		return err
	}
	if err := c.dropShares(o.shared, o.ref()); err != nil {
		return err
	}
	if err := s.hold(c, nil, []object{o}); err != nil {
		return err
	}
	e := s.entry(c, opDeleteKey)
	e.Keys = []uint64{o.ref()}
	return c.record(e)
}

// ListOptions bound a listing. MaxItems 0 means all; StartingToken is the
// NextToken of the listing before.
type ListOptions struct {
	MaxItems      int
	StartingToken string
}

// ListResult says how many keys match, how many were given to fn, and where
// to go on; NextToken is empty at the end.
type ListResult struct {
	Total, Returned int
	NextToken       string
}

// ListKeys calls fn for each key that this user sees and that matches: his
// own, those shared with him, and every public key. A listing that sees all of
// his own also compares them with his holdings. fn is called when all this is
// done and no lock is held: it may be slow, and it sees nothing of a listing
// that failed.
func (s *Session) ListKeys(ctx context.Context, f attr.Filter, o ListOptions, fn func(*Key) error) (res ListResult, err error) {
	after, err := parseListToken(o.StartingToken)
	if err != nil {
		return res, err
	}
	var found []*Key
	err = s.use(ctx, opListKeys, func(v *view) ([]uint64, error) {
		l := lister{s: s, v: v, f: f, o: o, after: after}
		err := l.run()
		res, found = l.res, l.found
		return nil, err
	})
	if err != nil {
		return ListResult{}, err
	}
	for _, k := range found {
		if err := fn(k); err != nil {
			return res, err
		}
	}
	return res, nil
}

// lister is one listing.
type lister struct {
	s     *Session
	v     *view
	f     attr.Filter
	o     ListOptions
	after record.Name
	found []*Key
	res   ListResult
	last  record.Name
	own   []object
}

func (l *lister) run() error {
	names, indexed, err := l.s.candidates(l.v, l.f)
	if err != nil {
		return err
	}
	if !indexed {
		if err := l.s.eachObject(l.v, l.visit); err != nil {
			return err
		}
		return l.s.compareHoldings(l.v, l.own)
	}
	for _, n := range names {
		o, ok, err := l.s.open(l.v, n)
		if err == nil && ok {
			err = l.visit(o)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// visit counts every match, and gives out those of the page asked for.
func (l *lister) visit(o object) error {
	o.material.Wipe()
	if o.owner == l.s.id() {
		l.own = append(l.own, object{name: o.name, version: o.version})
	}
	if !l.f.Match(o.ref(), o.set) {
		return nil
	}
	l.res.Total++
	if o.at <= l.after {
		return nil
	}
	if l.o.MaxItems > 0 && l.res.Returned == l.o.MaxItems {
		l.res.NextToken = listToken(l.last)
		return nil
	}
	l.res.Returned++
	l.last = o.at
	l.found = append(l.found, l.s.key(o))
	return nil
}

// listToken names the last key given out, so that a listing goes on rightly
// whatever was added or deleted between.
func listToken(n record.Name) string { return base64.RawURLEncoding.EncodeToString([]byte(n)) }

func parseListToken(t string) (record.Name, error) {
	b, err := base64.RawURLEncoding.DecodeString(t)
	n := record.Name(b)
	if err != nil || (t != "" && !n.Kind().KeyObject() && n.Kind() != record.KindShare) {
		return "", refuse(ErrUsage, "give the next_token of the listing before, or leave it out", "invalid starting token %q", t)
	}
	return n, nil
}

// PublicKeyPEM is the public half that matches, as SubjectPublicKeyInfo in PEM
// (RFC 7468). A label that both halves of a pair share finds the public one.
func (s *Session) PublicKeyPEM(ctx context.Context, f attr.Filter) (key *Key, out []byte, err error) {
	err = s.use(ctx, opReadPublic, func(v *view) ([]uint64, error) {
		o, err := s.findOne(v, f, "public key", func(set *attr.Set) bool { return set.Class == attr.PublicKey })
		if err != nil {
			return nil, err
		}
		key, out = s.key(o), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: o.material.Reveal()})
		return []uint64{o.ref()}, nil
	})
	return key, out, err
}

// attrError and mechError map the errors of the tables to kinds.
func attrError(err error) error {
	var a *attr.Error
	if errors.As(err, &a) {
		if a.Denied {
			return &Error{Kind: ErrDenied, Text: a.Text, Hint: a.Hint}
		}
		return &Error{Kind: ErrUsage, Text: a.Text, Hint: a.Hint}
	}
	return err
}

func mechError(err error) error {
	var m *mech.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, mech.ErrVerify):
		return refuse(ErrIntegrity, "", "signature verification failed")
	case errors.Is(err, mech.ErrUnwrap):
		return refuse(ErrIntegrity, "is this the wrapping key, and the mechanism, that it was wrapped with?", "the wrapped key does not open")
	case errors.As(err, &m):
		return &Error{Kind: ErrUsage, Text: m.Text, Hint: m.Hint}
	}
	return attrError(err)
}
