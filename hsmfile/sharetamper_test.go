package hsmfile

import (
	"bytes"
	"slices"
	"testing"

	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/seal"
	"filehsm/hsmfile/secret"
)

// sharedKey is an AES key of alice's that bob has taken up, and its record.
func (f *fixture) sharedKey(alice, bob *Session) (record.Name, record.Key) {
	f.Helper()
	key := f.aes(alice, "kek")
	must[*Key](f.T)(alice.Share(f.ctx, filter(f.T, "kek"), "bob"))
	f.list(bob, "kek")
	n := record.KeyName(alice.id(), key.Reference)
	var k record.Key
	ok(f.T, record.Decode(records(f.T, f.path)[f.key(n)], &k))
	return n, k
}

// TestReceiverCannotRewrite: whoever a key is shared with has its DEK, and the
// file; still he cannot make its owner use another key in its place.
func TestReceiverCannotRewrite(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	alice, bob := f.login("alice"), f.login("bob")
	n, k := f.sharedKey(alice, bob)
	ok(t, bob.read(f.ctx, opListKeys, func(v *view) error { // with bob's internals in hand
		share := record.ShareName(bob.id(), record.RefOf(n))
		var sh record.Share
		ok(t, v.need(share, &sh))
		dek := must[[]byte](t)(seal.Open(bob.keys.Sealing(), v.place(placeShare, share, sh.Version), sh.DEK))
		key := secret.New(bytes.Clone(dek[:seal.KeySize]))
		o, _, err := bob.open(v, share)
		ok(t, err)
		plain := must[[]byte](t)(encodeObject(o.set, secret.New(bytes.Repeat([]byte{7}, 32))))
		k.Body = must[[]byte](t)(seal.Seal(key, v.place(placeObject, n, k.Version), plain))
		return nil
	}))
	f.tamper(map[string][]byte{f.key(n): record.Encode(&k)})
	for who, s := range map[string]*Session{"its owner": alice, "another": bob} {
		_, err := s.ListKeys(f.ctx, filter(t, "kek"), ListOptions{}, func(*Key) error { return nil })
		f.wants(err, ErrIntegrity, "a key written anew, used by "+who)
	}
}

// TestSharingIsTheOwners: a user put into the list of those whom a key is
// shared with is not offered its next DEK.
func TestSharingIsTheOwners(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	ok(t, f.co.CreateUser(f.ctx, "mallory", CU, pw(passBob)))
	alice, bob := f.login("alice"), f.login("bob")
	n, k := f.sharedKey(alice, bob)
	k.Shared = append(k.Shared, f.row("mallory").ID)
	slices.SortFunc(k.Shared, bytes.Compare)
	f.tamper(map[string][]byte{f.key(n): record.Encode(&k)})
	_, err := alice.SetAttribute(f.ctx, filter(t, "kek"), "label", "kek2")
	f.wants(err, ErrIntegrity, "a record with one more receiver")
	if b := records(t, f.path)[f.key(record.OfferName(string(f.row("mallory").ID), record.RefOf(n)))]; b != nil {
		t.Error("the key was offered to a user whom its owner did not share it with")
	}
}

// TestShareOfOlderVersion: what a receiver took up opens nothing once the key
// was written anew, so it is gone by then; it is no sign of damage.
func TestShareOfOlderVersion(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	alice, bob := f.login("alice"), f.login("bob")
	f.sharedKey(alice, bob)
	must[uint64](t)(alice.SetAttribute(f.ctx, filter(t, "kek"), "label", "kek2"))
	ok(t, f.im.view(f.ctx, func(v *view) error { // as a listing that runs meanwhile, after bob looked for offers
		return bob.eachObject(v, func(o object) error {
			t.Errorf("bob sees %s", describeName(o.name))
			return nil
		})
	}))
	if got := f.list(bob, "kek2"); len(got) != 1 {
		t.Errorf("bob has %v", got)
	}
}
