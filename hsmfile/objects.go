package hsmfile

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/seal"
	"filehsm/hsmfile/secret"
)

// object is a key object, opened: what it may do, and what it is.
type object struct {
	name     record.Name
	at       record.Name // where this user meets it: name, or his share
	version  uint64
	owner    string   // user id
	shared   [][]byte // users it is shared with; known to its owner alone
	set      *attr.Set
	material *secret.Bytes
}

func (o object) ref() uint64 { return record.RefOf(o.name) }

// key is an object as its user sees it.
func (s *Session) key(o object) *Key {
	owner := s.name
	if u := s.roster.ByID(o.owner); u != nil {
		owner = u.Name
	}
	k := &Key{Reference: o.ref(), Owner: owner, Attributes: o.set}
	for _, id := range o.shared {
		if u := s.roster.ByID(string(id)); u != nil {
			k.Shared = append(k.Shared, u.Name)
		}
	}
	slices.Sort(k.Shared)
	return k
}

// newReference is a random 63-bit number that no key of the image has. Those
// of one transaction lie side by side, in random steps: a thousand keys touch
// a hundred pages then, and not a thousand. That they were made together is
// no secret, the audit log says so.
func (c *change) newReference(owner string) (uint64, error) {
	for {
		random := binary.BigEndian.Uint64(seal.Random(8)) >> 1
		if c.ref == 0 {
			c.ref = random
		} else {
			c.ref = (c.ref + 1 + random%stepReference) & (1<<63 - 1)
		}
		free, err := c.isFreeReference(owner)
		if err != nil || free {
			return c.ref, err
		}
	}
}

const stepReference = 1 << 20

func (c *change) isFreeReference(owner string) (bool, error) {
	if c.ref == 0 {
		return false, nil
	}
	for _, n := range []record.Name{record.KeyName(owner, c.ref), record.PubObjName(c.ref)} {
		if b, err := c.get(n); err != nil || b != nil {
			return false, err
		}
	}
	return true, nil
}

// encodeObject is what is sealed: attributes and material as one record, so
// that neither can be exchanged without the other.
func encodeObject(set *attr.Set, material *secret.Bytes) ([]byte, error) {
	own := *set
	own.Put(attr.Trusted, false) // the roster says that, not the owner
	a, err := own.Encode()
	if err != nil {
		return nil, err
	}
	return record.Encode(&record.Object{Attributes: a, Material: material.Reveal()}), nil
}

func decodeObject(plain []byte) (*attr.Set, *secret.Bytes, error) {
	var o record.Object
	if err := record.Decode(plain, &o); err != nil {
		return nil, nil, err
	}
	set, err := attr.Decode(o.Attributes)
	return set, secret.New(o.Material), err
}

// putObject stores a new key object of this user: secret and private keys
// under a key of their own, which is left for those it is shared with, public
// keys under the common key, which everybody has.
func (s *Session) putObject(c *change, set *attr.Set, material *secret.Bytes, shared ...[]byte) (object, error) {
	ref, err := c.newReference(s.id())
	if err != nil {
		return object{}, err
	}
	o := object{version: c.version(), owner: s.id(), set: set, material: material}
	plain, err := encodeObject(set, material)
	if err != nil {
		return object{}, err
	}
	defer clear(plain)
	if set.Class == attr.PublicKey {
		o.name = record.PubObjName(ref)
		o.at = o.name
		err = s.putPublicObject(c, o, plain)
	} else {
		o.name = record.KeyName(s.id(), ref)
		o.at, o.shared = o.name, shared
		err = s.putAndOffer(c, o, plain)
	}
	if err != nil {
		return object{}, err
	}
	return o, s.putNewLabel(c, o)
}

// putKey writes a key under a DEK of its own. It returns the DEK with the
// record's sum, which is what its owner and all it is shared with keep.
func (s *Session) putKey(c *change, o object, plain []byte) (*secret.Bytes, error) {
	dek := seal.NewKey()
	defer dek.Wipe()
	body, err := seal.Seal(dek, c.place(placeObject, o.name, o.version), plain)
	if err != nil {
		return nil, err
	}
	k := record.Key{Gen: s.login.Gen, Version: o.version, Body: body, Shared: o.shared}
	dekSum := secret.New(append(bytes.Clone(dek.Reveal()), k.Sum()...))
	if k.DEK, err = seal.Seal(s.keys.Sealing(), c.place(placeDEK, o.name, o.version), dekSum.Reveal()); err != nil {
		return nil, err
	}
	return dekSum, c.put(o.name, record.Encode(&k))
}

// splitDEK is the DEK of a record that is the one it was made for.
func splitDEK(dekSum *secret.Bytes, k *record.Key) (*secret.Bytes, error) {
	b := dekSum.Reveal()
	if len(b) < seal.KeySize || !bytes.Equal(b[seal.KeySize:], k.Sum()) {
		return nil, errors.New("it is not as its owner wrote it")
	}
	return secret.New(bytes.Clone(b[:seal.KeySize])), nil
}

func (s *Session) putPublicObject(c *change, o object, plain []byte) error {
	common, err := s.common(&c.view)
	if err != nil {
		return err
	}
	body, err := seal.Seal(common, c.place(placeObject, o.name, o.version), plain)
	if err != nil {
		return err
	}
	p := record.PubObj{Owner: s.user.ID, Gen: s.login.Gen, Version: o.version, Body: body}
	p.Sig = s.keys.Sign(signPubObj, p.Signed(o.name))
	return c.put(o.name, record.Encode(&p))
}

// openKey opens a secret or private key of this user's own.
func (s *Session) openKey(v *view, n record.Name, b []byte) (object, error) {
	what := "key " + attr.FormatReference(record.RefOf(n))
	var k record.Key
	if err := record.Decode(b, &k); err != nil {
		return object{}, v.im.damaged(what, err)
	}
	keys, err := s.keysAt(v, k.Gen)
	if err != nil {
		return object{}, err
	}
	dekSum, err := seal.Open(keys.Sealing(), v.place(placeDEK, n, k.Version), k.DEK)
	if err != nil {
		return object{}, v.im.damaged(what, err)
	}
	defer clear(dekSum)
	o, err := s.openBody(v, n, &k, secret.New(dekSum))
	o.owner, o.at, o.shared = s.id(), n, k.Shared
	return o, err
}

// openBody opens a key record with its DEK and sum, whoever owns it.
func (s *Session) openBody(v *view, n record.Name, k *record.Key, dekSum *secret.Bytes) (object, error) {
	what := "key " + attr.FormatReference(record.RefOf(n))
	dek, err := splitDEK(dekSum, k)
	if err != nil {
		return object{}, v.im.damaged(what, err)
	}
	defer dek.Wipe()
	plain, err := seal.Open(dek, v.place(placeObject, n, k.Version), k.Body)
	defer clear(plain)
	if err != nil {
		return object{}, v.im.damaged(what, err)
	}
	set, material, err := decodeObject(plain)
	if err == nil && set.Class == attr.PublicKey {
		err = errors.New("a public key among the private ones")
	}
	if err != nil {
		return object{}, v.im.damaged(what, err)
	}
	s.setTrusted(n, string(n[1:1+record.UserIDSize]), set)
	return object{name: n, version: k.Version, set: set, material: material}, nil
}

// setTrusted fills in what the roster says of a key. It names the owner as
// well: a reference alone could be given to a second key by who edits the file.
func (s *Session) setTrusted(n record.Name, owner string, set *attr.Set) {
	set.Put(attr.Trusted, slices.ContainsFunc(s.roster.Trusted, func(x record.Trusted) bool {
		return x.Reference == record.RefOf(n) && string(x.Owner) == owner
	}))
}

// openPublicObject opens a public-key object and verifies whose it is.
func (s *Session) openPublicObject(v *view, n record.Name, b []byte, common *secret.Bytes) (object, error) {
	what := "public key " + attr.FormatReference(record.RefOf(n))
	var p record.PubObj
	if err := record.Decode(b, &p); err != nil {
		return object{}, v.im.damaged(what, err)
	}
	owner := s.roster.ByID(string(p.Owner))
	if owner == nil {
		if going, err := v.isGoing(string(p.Owner)); err != nil || going {
			return object{}, cmp.Or(err, errGoing)
		}
	}
	if owner == nil || Role(owner.Role) != CU {
		return object{}, v.im.damaged(what, errors.New("its owner is not a CU of this image"))
	}
	public, err := s.publicOf(v, owner, p.Gen)
	if err != nil {
		return object{}, err
	}
	if !seal.VerifySignature(public.Verifier, signPubObj, p.Signed(n), p.Sig) {
		return object{}, v.im.damaged(what, errors.New("its owner did not sign it"))
	}
	plain, err := seal.Open(common, v.place(placeObject, n, p.Version), p.Body)
	if err != nil {
		return object{}, v.im.damaged(what, err)
	}
	set, material, err := decodeObject(plain)
	if err == nil && set.Class != attr.PublicKey {
		err = fmt.Errorf("a %s among the public ones", set.Class)
	}
	if err != nil {
		return object{}, v.im.damaged(what, err)
	}
	s.setTrusted(n, string(p.Owner), set)
	return object{name: n, at: n, version: p.Version, owner: string(p.Owner), set: set, material: material}, nil
}

// publicOf is publicAt with a memory: a listing meets the same owners often.
func (s *Session) publicOf(v *view, u *record.User, gen uint32) (*record.Public, error) {
	k := publicKey{string(u.ID), gen, string(s.roster.hash)}
	if p := s.publics[k]; p != nil {
		return p, nil
	}
	p, err := v.publicAt(u, gen)
	if err == nil {
		s.publics[k] = p
	}
	return p, err
}

// publicKey names a generation under one roster.
type publicKey struct {
	user   string
	gen    uint32
	roster string
}
