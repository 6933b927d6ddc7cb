package hsmfile

import (
	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/seal"
	"filehsm/hsmfile/secret"
)

// labelKeyCommon derives the blind-index key of public-key labels, which
// every CU can look up, from the common key.
const labelKeyCommon = "filehsm/v1/common-index"

// What a label record leads to: an object of the owner's, or one that others
// share with him. Stored.
const (
	labelOwn    = 1
	labelShared = 2
)

// putLabel enters an object in the blind index: its owner's, or the common
// one for a public key. An empty label is not entered: it would look like all
// other empty ones, and nobody looks for it.
func (s *Session) putLabel(c *change, o object) error {
	n, err := s.labelName(&c.view, o)
	if err != nil || n == "" {
		return err
	}
	return c.put(n, []byte{labelOwn})
}

// putNewLabel is putLabel for an object made in this transaction, of which the
// generation is known.
func (s *Session) putNewLabel(c *change, o object) error {
	if o.set.Label == "" || o.set.Class == attr.PublicKey {
		return s.putLabel(c, o)
	}
	return c.put(record.LabelName(s.id(), seal.BlindIndex(s.keys.Index(), o.set.Label), o.ref()), []byte{labelOwn})
}

func (s *Session) labelName(v *view, o object) (record.Name, error) {
	if o.set.Label == "" {
		return "", nil
	}
	if o.set.Class == attr.PublicKey {
		common, err := s.common(v)
		if err != nil {
			return "", err
		}
		return record.LabelName(record.CommonOwner, commonBlind(common, o.set.Label), o.ref()), nil
	}
	b, err := v.get(o.name)
	if err != nil {
		return "", err
	}
	gen := s.login.Gen
	var k record.Key
	if b != nil && record.Decode(b, &k) == nil {
		gen = k.Gen // the index key of the generation that the object was made in
	}
	keys, err := s.keysAt(v, gen)
	if err != nil {
		return "", err
	}
	return record.LabelName(s.id(), seal.BlindIndex(keys.Index(), o.set.Label), o.ref()), nil
}

func commonBlind(common *secret.Bytes, label string) []byte {
	return seal.BlindIndex(seal.Derive(common, labelKeyCommon, seal.KeySize), label)
}

// labelled names the objects that have a label: the user's own and those
// shared with him, in each of his generations, and every public one.
func (s *Session) labelled(v *view, label string) (names []record.Name, err error) {
	for gen := s.login.Gen; gen >= s.login.First && gen > 0; gen-- {
		keys, err := s.keysAt(v, gen)
		if err != nil {
			return nil, err
		}
		err = v.scan(record.LabelPrefix(s.id(), seal.BlindIndex(keys.Index(), label)), "", func(n record.Name, b []byte) error {
			if string(b) == string([]byte{labelShared}) {
				names = append(names, record.ShareName(s.id(), record.RefOf(n)))
			} else {
				names = append(names, record.KeyName(s.id(), record.RefOf(n)))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	common, err := s.common(v)
	if err != nil {
		return nil, err
	}
	err = v.scan(record.LabelPrefix(record.CommonOwner, commonBlind(common, label)), "", func(n record.Name, _ []byte) error {
		names = append(names, record.PubObjName(record.RefOf(n)))
		return nil
	})
	return names, err
}
