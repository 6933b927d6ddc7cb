package hsmfile

import (
	"context"
	"errors"

	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/internal/mech"
	"filehsm/hsmfile/secret"
)

// SymmetricSpec says what secret key to generate.
type SymmetricSpec struct {
	Type       attr.KeyType // attr.AES or attr.GenericSecret
	Bytes      int
	Label      string
	Usage      []string // sign, encrypt, wrap, derive
	Attributes []string // name=value
	ShareWith  []string // CUs who may use it from the start
}

// PairSpec says what key pair to generate.
type PairSpec struct {
	Type              attr.KeyType // attr.RSA or attr.EC
	PublicLabel       string
	PrivateLabel      string
	Curve             string // EC
	Bits              int    // RSA: modulus
	Exponent          int    // RSA
	Usage             []string
	PublicAttributes  []string
	PrivateAttributes []string
	ShareWith         []string // CUs who may use the private half from the start
}

// GenerateSymmetric makes a secret key. CU only.
func (s *Session) GenerateSymmetric(ctx context.Context, spec SymmetricSpec) (*Key, error) {
	set, err := spec.prepare()
	if err != nil {
		return nil, err
	}
	made, err := spec.generate(*set)
	if err != nil {
		return nil, err
	}
	defer wipe(made)
	keys, err := s.addObjects(ctx, opGenerate, made, spec.ShareWith)
	if err != nil {
		return nil, err
	}
	return keys[0], nil
}

// prepare is what all keys of a spec have in common.
func (spec *SymmetricSpec) prepare() (*attr.Set, error) {
	set := attr.New(attr.SecretKey, spec.Type)
	return set, prepareSet(set, spec.Label, spec.Usage, spec.Attributes)
}

// generate makes one key, outside of any transaction.
func (spec *SymmetricSpec) generate(set attr.Set) ([]half, error) {
	material, err := generateSecret(spec)
	if err == nil {
		err = mech.Describe(&set, material)
	}
	return []half{{&set, material}}, mechError(err)
}

func generateSecret(spec *SymmetricSpec) (*secret.Bytes, error) {
	if spec.Type == attr.AES {
		return mech.GenerateAES(spec.Bytes)
	}
	return mech.GenerateSecret(spec.Bytes)
}

// GeneratePair makes a key pair: two objects, one audit entry. CU only.
func (s *Session) GeneratePair(ctx context.Context, spec PairSpec) (public, private *Key, err error) {
	priv, pub, err := spec.prepare()
	if err != nil {
		return nil, nil, err
	}
	made, err := spec.generate(*priv, *pub)
	if err != nil {
		return nil, nil, err
	}
	defer wipe(made)
	keys, err := s.addObjects(ctx, opGeneratePair, made, spec.ShareWith)
	if err != nil {
		return nil, nil, err
	}
	return keys[1], keys[0], nil
}

// prepare is what all pairs of a spec have in common.
func (spec *PairSpec) prepare() (priv, pub *attr.Set, err error) {
	pub, priv = attr.New(attr.PublicKey, spec.Type), attr.New(attr.PrivateKey, spec.Type)
	if err = prepareSet(pub, spec.PublicLabel, spec.Usage, spec.PublicAttributes); err == nil {
		err = prepareSet(priv, spec.PrivateLabel, spec.Usage, spec.PrivateAttributes)
	}
	return priv, pub, err
}

// generate makes one pair, outside of any transaction.
func (spec *PairSpec) generate(priv, pub attr.Set) ([]half, error) {
	pair, err := generatePair(spec)
	if err == nil {
		err = errors.Join(mech.Describe(&pub, pair.Public), mech.Describe(&priv, pair.Private))
	}
	return []half{{&priv, pair.Private}, {&pub, pair.Public}}, mechError(err)
}

func generatePair(spec *PairSpec) (mech.Pair, error) {
	if spec.Type == attr.RSA {
		return mech.GenerateRSA(spec.Bits, spec.Exponent)
	}
	return mech.GenerateEC(spec.Curve)
}

// prepareSet gives a new object its label, then what its uses need, then what
// was asked for by name, which has the last word.
func prepareSet(set *attr.Set, label string, usage, attributes []string) error {
	label, err := attr.ParseLabel(label)
	if err != nil {
		return attrError(err)
	}
	set.Label = label
	usages, err := attr.ParseUsages(usage)
	if err == nil {
		err = set.ApplyUsages(usages)
	}
	if err != nil {
		return attrError(err)
	}
	assignments, err := attr.ParseAssignments(attributes)
	if err == nil {
		err = set.Apply(assignments)
	}
	return attrError(err)
}

// half is a key object about to be stored.
type half struct {
	set      *attr.Set
	material *secret.Bytes
}

// addObjects stores new objects and their entry in one transaction.
func (s *Session) addObjects(ctx context.Context, op operation, halves []half, shareWith []string) ([]*Key, error) {
	var keys []*Key
	err := s.write(ctx, op, func(c *change) error {
		with, err := s.sharers(shareWith)
		if err != nil {
			return err
		}
		keys = nil
		var added []object
		e := s.entry(c, op)
		for _, h := range halves {
			o, err := s.putObject(c, h.set, h.material, with...)
			if err != nil {
				return err
			}
			added, keys = append(added, o), append(keys, s.key(o))
			e.Keys = append(e.Keys, o.ref())
		}
		if err := s.hold(c, added, nil); err != nil {
			return err
		}
		if err := c.record(e); err != nil {
			return err
		}
		return s.recordShares(c, added, with)
	})
	return keys, err
}
