package hsmfile

import (
	"bytes"
	"errors"
	"fmt"

	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/seal"
	"filehsm/hsmfile/secret"
)

// Labels of places: what a sealed part is, beside the record it lies in.
const (
	placeUS       = "user-secret"
	placeOlder    = "older-secret"
	placePins     = "pins"
	placeHoldings = "holdings"
	placeEscrow   = "escrow"
	placeCommon   = "common-key"
	placeDEK      = "dek"
	placeObject   = "object"
	placeShare    = "share"
	placeSession  = "session"
)

// lock is a password made ready outside of any lock of the image: parameters
// and the key they give. Nothing of the password is left in it.
type lock struct {
	kdf seal.KDF
	kek *secret.Bytes
	of  *record.Login // whose password it is, if that stays
}

func newLock(password *secret.Bytes) (*lock, error) {
	kdf := seal.NewKDF()
	kek, err := kdf.Derive(password)
	return &lock{kdf: kdf, kek: kek}, err
}

// loadLogin reads and verifies what a password opens: the record is signed
// with the user's own newest key, so one put there by a stranger is refused
// before a password is tried on it.
func (v *view) loadLogin(u *record.User) (*record.Login, error) {
	l := new(record.Login)
	if err := v.need(record.LoginName(string(u.ID)), l); err != nil {
		return nil, err
	}
	public, err := v.publicAt(u, l.Gen)
	if err != nil {
		return nil, err
	}
	what := fmt.Sprintf("login record of user %q", u.Name)
	if newest, err := v.currentPublic(u); err != nil {
		return nil, err
	} else if newest.Gen != l.Gen {
		return nil, v.im.damaged(what, errors.New("it is not of the newest generation"))
	}
	if !bytes.Equal(l.User, u.ID) || !seal.VerifySignature(public.Verifier, signLogin, l.Signed(), l.Sig) {
		return nil, v.im.damaged(what, errors.New("its signature does not verify"))
	}
	if l.First < 1 || uint32(len(l.Older)) != l.Gen-l.First {
		return nil, v.im.damaged(what, record.ErrMalformed)
	}
	if err := l.KDF.Check(); err != nil {
		return nil, v.im.damaged(what, err)
	}
	return l, nil
}

// openLogin opens the user secret; seal.ErrOpen is a wrong password.
func (v *view) openLogin(l *record.Login, kek *secret.Bytes) (*seal.UserKeys, error) {
	us, err := seal.Open(kek, v.place(placeUS, record.LoginName(string(l.User)), l.Version), l.Sealed)
	if err != nil {
		return nil, err
	}
	return seal.KeysOf(secret.New(us))
}

// putLogin writes a login record: secret of keys under lk, and what older
// generations it leads to.
func (c *change) putLogin(l *record.Login, keys *seal.UserKeys, lk *lock, setBy string) error {
	n := record.LoginName(string(l.User))
	sealed, err := seal.Seal(lk.kek, c.place(placeUS, n, c.version()), keys.Secret().Reveal())
	if err != nil {
		return err
	}
	l.Version, l.KDF, l.Sealed, l.SetBy, l.SetAt = c.version(), lk.kdf, sealed, setBy, c.now
	if lk.of != nil {
		l.SetBy, l.SetAt = lk.of.SetBy, lk.of.SetAt
	}
	l.Sig = keys.Sign(signLogin, l.Signed())
	c.scrub = true
	return c.put(n, record.Encode(l))
}

// olderPlace binds an older secret to its user and generation alone: it is
// carried from login record to login record as it is.
func (v *view) olderPlace(user []byte, gen uint32) seal.Place {
	return v.place(placeOlder, record.LoginName(string(user)), uint64(gen))
}

// older opens the generation before the one that keys is of.
func (v *view) older(l *record.Login, gen uint32, keys *seal.UserKeys) (*seal.UserKeys, error) {
	i := int64(gen) - int64(l.First)
	if i < 0 || i >= int64(len(l.Older)) {
		return nil, v.im.damaged("login record", fmt.Errorf("generation %d cannot be reached", gen))
	}
	us, err := seal.Open(keys.Sealing(), v.olderPlace(l.User, gen), l.Older[i])
	if err != nil {
		return nil, v.im.damaged("login record", err)
	}
	return seal.KeysOf(secret.New(us))
}

// sealOwn seals a record under its owner's sealing key.
func (c *change) sealOwn(n record.Name, label string, keys *seal.UserKeys, gen uint32, value any) error {
	sealed, err := seal.Seal(keys.Sealing(), c.place(label, n, c.version()), record.Encode(value))
	if err != nil {
		return err
	}
	return c.put(n, record.Encode(&record.SealedOwn{Gen: gen, Version: c.version(), Sealed: sealed}))
}

// openOwn is the inverse of sealOwn.
func (v *view) openOwn(n record.Name, label string, keys *seal.UserKeys, value any) error {
	var own record.SealedOwn
	if err := v.need(n, &own); err != nil {
		return err
	}
	plain, err := seal.Open(keys.Sealing(), v.place(label, n, own.Version), own.Sealed)
	if err == nil {
		err = record.Decode(plain, value)
	}
	if err != nil {
		return v.im.damaged(n.Kind().String()+" record", err)
	}
	return nil
}

// loadPins reads what the user saw last, under his own seal.
func (v *view) loadPins(user string, keys *seal.UserKeys) (*record.Pins, error) {
	p := new(record.Pins)
	return p, v.openOwn(record.PinsName(user), placePins, keys, p)
}

func (c *change) putPins(user string, keys *seal.UserKeys, gen uint32, r *roster) error {
	p, err := c.pinsFor(r)
	if err != nil {
		return err
	}
	return c.sealOwn(record.PinsName(user), placePins, keys, gen, p)
}
