package hsmfile

import (
	"fmt"
	"slices"

	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/store"
	"filehsm/hsmfile/secret"
)

// open opens one object by its name; false if there is none.
func (s *Session) open(v *view, n record.Name) (object, bool, error) {
	b, err := v.get(n)
	if err != nil || b == nil {
		return object{}, false, err
	}
	o, err := s.openBytes(v, n, b, nil)
	if err == errGoing {
		return object{}, false, nil
	}
	return o, err == nil, err
}

func (s *Session) openBytes(v *view, n record.Name, b []byte, common *secret.Bytes) (o object, err error) {
	switch n.Kind() {
	case record.KindKey:
		return s.openKey(v, n, b)
	case record.KindShare:
		return s.openShare(v, n, b)
	}
	if common == nil {
		if common, err = s.common(v); err != nil {
			return object{}, err
		}
	}
	return s.openPublicObject(v, n, b, common)
}

// find returns up to limit objects that match, by the cheapest way: by
// reference, through the blind index, or by opening everything.
func (s *Session) find(v *view, f attr.Filter, fits func(*attr.Set) bool, limit int) (found []object, err error) {
	take := func(o object) error {
		if f.Match(o.ref(), o.set) && fits(o.set) {
			found = append(found, o)
		} else {
			o.material.Wipe()
		}
		if len(found) == limit {
			return store.ErrStop
		}
		return nil
	}
	names, indexed, err := s.candidates(v, f)
	if err != nil {
		return nil, err
	}
	if !indexed {
		err = s.eachObject(v, take)
	}
	for _, n := range names {
		o, ok, err := s.open(v, n)
		if err != nil {
			return nil, err
		}
		if ok && take(o) != nil {
			break
		}
	}
	return found, err
}

// candidates names what can match, where an index says so.
func (s *Session) candidates(v *view, f attr.Filter) (names []record.Name, indexed bool, err error) {
	if ref, ok := f.Reference(); ok {
		return []record.Name{record.KeyName(s.id(), ref), record.PubObjName(ref), record.ShareName(s.id(), ref)}, true, nil
	}
	if label, ok := f.Label(); ok && label != "" {
		names, err = s.labelled(v, label)
		slices.Sort(names) // each generation has an index of its own, and pages go by name
		return names, true, err
	}
	return nil, false, nil
}

// eachObject opens every object that this user sees: his own, the public
// ones, and those shared with him, which is the order of their names.
func (s *Session) eachObject(v *view, fn func(object) error) error {
	common, err := s.common(v)
	if err != nil {
		return err
	}
	stopped := false
	for _, prefix := range []record.Name{record.KeyPrefix(s.id()), record.PubObjPrefix(), record.SharePrefix(s.id())} {
		err := v.scan(prefix, "", func(n record.Name, b []byte) error {
			o, err := s.openBytes(v, n, b, common)
			if err == errGoing {
				return nil
			}
			if err == nil {
				err = fn(o)
			}
			stopped = err == store.ErrStop
			return err
		})
		if err != nil || stopped {
			return err
		}
	}
	return nil
}

// findOne finds the one key that an operation is to use. Only objects that
// fit are considered, so both halves of a pair may share a label.
func (s *Session) findOne(v *view, f attr.Filter, what string, fits func(*attr.Set) bool) (object, error) {
	if f.Empty() {
		return object{}, refuse(ErrUsage, "name it by label or reference: --filter LABEL", "no key was named")
	}
	found, err := s.find(v, f, fits, ambiguous)
	if err != nil {
		return object{}, err
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return object{}, s.noneFound(v, f, what)
	}
	return object{}, refuse(ErrNotFound, "name one by its reference, for example key-reference="+attr.FormatReference(found[0].ref())+", or add attr.class=; filehsm key list shows them",
		"%s: key selection criteria matched %s keys (%s); refine selection criteria to select a single key", s.im.path, atLeast(len(found)), f)
}

// ambiguous is how many matches are counted before "or more" is said.
const ambiguous = 100

func atLeast(n int) string {
	if n == ambiguous {
		return fmt.Sprintf("%d or more", n)
	}
	return fmt.Sprint(n)
}

// noneFound says whether nothing matched, or only keys of another sort.
func (s *Session) noneFound(v *view, f attr.Filter, what string) error {
	others, err := s.find(v, f, func(*attr.Set) bool { return true }, 1)
	if err != nil {
		return err
	}
	if len(others) == 0 {
		return refuse(ErrNotFound, noneHint(f), "%s: no key matches %s", s.im.path, f)
	}
	return refuse(ErrNotFound, "filehsm key list --verbose shows what each key is", "%s: no %s matches %s; %s does, %s", s.im.path, what, f,
		attr.FormatReference(others[0].ref()), others[0].set.Describe())
}

// noneHint: a key reference that is typed as it is listed is taken for a label.
func noneHint(f attr.Filter) string {
	label, _ := f.Label()
	if _, err := attr.ParseReference(label); err == nil {
		return "a bare word is a label; a key is named by its reference with key-reference=" + label
	}
	return "filehsm key list shows your keys"
}

func anyKey(*attr.Set) bool { return true }
