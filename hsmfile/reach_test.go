package hsmfile

import (
	"maps"
	"testing"

	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/seal"
	"filehsm/hsmfile/secret"
)

// reached is all that somebody can open who has some keys, some files and all
// of this program: record names, by the store key that they lay under.
type reached map[record.Name]bool

// attacker tries every key on every sealed part until nothing more opens.
// Secrets that he finds (escrows, older generations, the common key) are keys
// that he tries next.
type attacker struct {
	v       *view
	names   []record.Name
	bytes   [][]byte
	users   map[string]*seal.UserKeys
	common  []*secret.Bytes
	reached reached
	grown   bool
}

// reach starts from user keys and whole files: an attacker keeps old copies.
func (f *fixture) reach(keys []*seal.UserKeys, files ...map[string][]byte) reached {
	f.Helper()
	a := &attacker{users: map[string]*seal.UserKeys{}, reached: reached{}}
	for _, k := range keys {
		a.users[string(k.Secret().Reveal())] = k
	}
	for _, file := range files {
		for key, b := range file {
			if _, n, ok := record.SetOf(key); ok {
				a.names, a.bytes = append(a.names, n), append(a.bytes, b)
			}
		}
	}
	ok(f.T, f.im.view(f.ctx, func(v *view) error {
		a.v = v
		for a.grown = true; a.grown; {
			a.grown = false
			for i, n := range a.names {
				a.try(n, a.bytes[i])
			}
		}
		return nil
	}))
	return a.reached
}

func (a *attacker) try(n record.Name, b []byte) {
	switch n.Kind() {
	case record.KindKey:
		a.tryKey(n, b)
	case record.KindPubObj:
		a.tryPublic(n, b)
	case record.KindPins, record.KindHoldings:
		a.tryOwn(n, b)
	case record.KindLogin:
		a.tryLogin(n, b)
	case record.KindEscrow, record.KindCommon:
		a.tryLeft(n, b)
	}
}

func (a *attacker) open(n record.Name, label string, version uint64, sealed []byte) []byte {
	for _, k := range maps.Clone(a.users) {
		for _, with := range []*secret.Bytes{k.Sealing(), k.Secret(), k.Index()} {
			if plain, err := seal.Open(with, a.v.place(label, n, version), sealed); err == nil {
				return plain
			}
		}
	}
	return nil
}

func (a *attacker) tryKey(n record.Name, b []byte) {
	var k record.Key
	if record.Decode(b, &k) != nil {
		return
	}
	if dek := a.open(n, placeDEK, k.Version, k.DEK); dek != nil {
		_, err := seal.Open(secret.New(dek[:seal.KeySize]), a.v.place(placeObject, n, k.Version), k.Body)
		a.reached[n] = a.reached[n] || err == nil
	}
}

func (a *attacker) tryPublic(n record.Name, b []byte) {
	var p record.PubObj
	if record.Decode(b, &p) != nil {
		return
	}
	for _, common := range a.common {
		_, err := seal.Open(common, a.v.place(placeObject, n, p.Version), p.Body)
		a.reached[n] = a.reached[n] || err == nil
	}
}

func (a *attacker) tryOwn(n record.Name, b []byte) {
	label := map[record.Kind]string{record.KindPins: placePins, record.KindHoldings: placeHoldings}[n.Kind()]
	var own record.SealedOwn
	if record.Decode(b, &own) == nil && a.open(n, label, own.Version, own.Sealed) != nil {
		a.reached[n] = true
	}
}

func (a *attacker) tryLogin(n record.Name, b []byte) {
	var l record.Login
	if record.Decode(b, &l) != nil {
		return
	}
	if us := a.open(n, placeUS, l.Version, l.Sealed); us != nil {
		a.found(us)
	}
	for i, sealed := range l.Older {
		if us := a.open(n, placeOlder, uint64(l.First)+uint64(i), sealed); us != nil {
			a.found(us)
		}
	}
}

func (a *attacker) tryLeft(n record.Name, b []byte) {
	label := map[record.Kind]string{record.KindEscrow: placeEscrow, record.KindCommon: placeCommon}[n.Kind()]
	var l record.Left
	if record.Decode(b, &l) != nil {
		return
	}
	for _, k := range maps.Clone(a.users) {
		plain, err := k.OpenBox(a.v.place(label, n, l.Version), l.Box)
		if err != nil {
			continue
		}
		a.grown = a.grown || !a.reached[n]
		a.reached[n] = true
		if n.Kind() == record.KindCommon {
			a.common = append(a.common, secret.New(plain))
		} else {
			a.found(plain)
		}
	}
}

// found is a user secret that the attacker had not.
func (a *attacker) found(us []byte) {
	if a.users[string(us)] != nil {
		return
	}
	if k, err := seal.KeysOf(secret.New(us)); err == nil {
		a.users[string(us)], a.grown = k, true
	}
}

// oldKeys is what a password opens in a file, with no image that guards it.
func (f *fixture) oldKeys(file map[string][]byte, user, password string) []*seal.UserKeys {
	f.Helper()
	n := record.LoginName(string(f.row(user).ID))
	var l record.Login
	ok(f.T, record.Decode(file[f.key(n)], &l))
	kek := must[*secret.Bytes](f.T)(l.KDF.Derive(pw(password)))
	var keys *seal.UserKeys
	ok(f.T, f.im.view(f.ctx, func(v *view) (err error) {
		keys, err = v.openLogin(&l, kek)
		return err
	}))
	return []*seal.UserKeys{keys}
}

// keyNames are the records of a user's secret and private keys.
func keyNames(file map[string][]byte, owner []byte) (all []record.Name) {
	for key := range file {
		if _, n, ok := record.SetOf(key); ok && n.Kind() == record.KindKey && string(n[1:9]) == string(owner) {
			all = append(all, n)
		}
	}
	return all
}

func (r reached) count(names []record.Name) (n int) {
	for _, name := range names {
		if r[name] {
			n++
		}
	}
	return n
}

func (r reached) wants(t *testing.T, what string, names []record.Name, want int) {
	t.Helper()
	if got := r.count(names); got != want {
		t.Errorf("%s: %d of %d keys open, want %d", what, got, len(names), want)
	}
}
