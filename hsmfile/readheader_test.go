package hsmfile

import (
	"errors"
	"testing"
)

// TestHeaderRemembered: the header that an image remembers is the one that lies
// there, and no transaction changes it for the next.
func TestHeaderRemembered(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	alice := f.login("alice")
	f.aes(alice, "one")
	failure := errors.New("no")
	err := f.im.update(f.ctx, func(c *change) error {
		c.h.State, c.h.Set = uint8(Zeroized), c.h.Set+1
		return failure
	})
	f.wants(err, failure, "the change that fails")
	f.aes(alice, "two")

	other := must[*Image](t)(Open(f.ctx, f.path, f.options()))
	ok(t, other.ZeroizeUnauthenticated(f.ctx))
	_, err = alice.GenerateSymmetric(f.ctx, SymmetricSpec{Type: "aes", Bytes: 32, Label: "three"})
	f.wants(err, ErrState, "a key in an image that another wiped")
}

// TestKeysBetweenOthers: a process that makes keys one by one, and what others
// do to the image between two of them.
func TestKeysBetweenOthers(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	alice := f.login("alice")
	other := must[*Image](t)(Open(f.ctx, f.path, f.options()))
	bob := must[*Session](t)(other.Login(f.ctx, Credentials{Username: "bob", Password: pw(passwords["bob"])}))
	for range 10 {
		f.aes(alice, "hers")
		f.aes(bob, "his")
	}
	for s, label := range map[*Session]string{alice: "hers", bob: "his"} {
		if got := f.list(s); len(got) != 10 || got[0] != label {
			t.Errorf("%s sees %q", s.Username(), got)
		}
	}
	must[int](t)(f.co.DeleteUser(f.ctx, "bob"))
	_, err := bob.GenerateSymmetric(f.ctx, SymmetricSpec{Type: "aes", Bytes: 32, Label: "late"})
	f.wants(err, ErrDenied, "a key of a user deleted between two")
	f.aes(alice, "after")
}
