package hsmfile

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"filehsm/hsmfile/attr"
)

// sharing is an image with alice, who has a key "mac", and bob.
type sharing struct {
	im             *Image
	co, alice, bob *Session
}

func newSharing(t *testing.T) *sharing {
	ctx := context.Background()
	im := must[*Image](t)(Create(ctx, filepath.Join(t.TempDir(), "a.hsm"), CreateSpec{Label: "a"}, Options{}))
	t.Cleanup(func() { whole(t, im) })
	s := &sharing{im: im, co: must[*Session](t)(im.Activate(ctx, "admin", pw(passCO)))}
	for name, to := range map[string]**Session{"alice": &s.alice, "bob": &s.bob} {
		ok(t, s.co.CreateUser(ctx, name, CU, pw(passAlice)))
		*to = must[*Session](t)(im.Login(ctx, Credentials{Username: name, Password: pw(passAlice)}))
	}
	_, _, err := s.alice.GeneratePair(ctx, PairSpec{Type: attr.EC, Curve: "secp256r1", PrivateLabel: "tls", PublicLabel: "tls", Usage: []string{"sign"}})
	ok(t, err)
	return s
}

func (s *sharing) sign(who *Session, label string) error {
	f, _ := attr.ParseFilter([]string{label})
	_, _, err := who.Sign(context.Background(), SignSpec{Mechanism: "ecdsa", Filter: f, Data: strings.NewReader("m")})
	return err
}

func wantKind(t *testing.T, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("got %v, want %v", err, kind)
	}
}

// TestShare: a share is used and nothing else, follows its key, and ends.
func TestShare(t *testing.T) {
	ctx, s := context.Background(), newSharing(t)
	wantKind(t, s.sign(s.bob, "tls"), ErrNotFound)
	key := must[*Key](t)(s.alice.Share(ctx, filter(t, "tls"), "bob"))
	if len(key.Shared) != 1 || key.Shared[0] != "bob" {
		t.Errorf("shared with %v", key.Shared)
	}
	ok(t, s.sign(s.bob, "tls"))
	for name, err := range map[string]error{
		"delete":    second(s.bob.DeleteKey(ctx, filter(t, "attr.label=tls", "attr.class=private-key"))),
		"attribute": second(s.bob.SetAttribute(ctx, filter(t, "attr.label=tls", "attr.class=private-key"), "label", "mine")),
		"unshare":   second(s.bob.Unshare(ctx, filter(t, "tls"), "alice")),
		"share":     second(s.bob.Share(ctx, filter(t, "tls"), "alice")),
	} {
		if !errors.Is(err, ErrDenied) {
			t.Errorf("%s of another's key: %v", name, err)
		}
	}
	must[*Key](t)(s.bob.GenerateSymmetric(ctx, SymmetricSpec{Type: attr.AES, Bytes: 32, Label: "kek", Usage: []string{"wrap"}}))
	_, err := s.bob.Wrap(ctx, "aes-zero-pad", filter(t, "tls"), filter(t, "kek"))
	wantKind(t, err, ErrDenied)

	ok(t, s.bob.ChangePassword(ctx, pw("another bob's words"))) // the share is of an older generation now
	ok(t, s.sign(s.bob, "tls"))
	must[uint64](t)(s.alice.SetAttribute(ctx, filter(t, "attr.label=tls", "attr.class=private-key"), "label", "web"))
	ok(t, s.sign(s.bob, "web"))
	wantKind(t, s.sign(s.bob, "tls"), ErrNotFound)
	ok(t, s.sign(s.alice, "web"))
	whole(t, s.im)

	must[*Key](t)(s.alice.Unshare(ctx, filter(t, "web"), "bob"))
	wantKind(t, s.sign(s.bob, "web"), ErrNotFound)
	ok(t, s.sign(s.alice, "web"))
	_, err = s.alice.Unshare(ctx, filter(t, "web"), "bob")
	wantKind(t, err, ErrNotFound)
	_, err = s.alice.Share(ctx, filter(t, "web"), "admin")
	wantKind(t, err, ErrUsage)
}

func second[T any](_ T, err error) error { return err }

// TestShareEnds: with the key, with its owner, and with the receiver's keys.
func TestShareEnds(t *testing.T) {
	ctx := context.Background()
	ends := map[string]func(*sharing) error{
		"key deleted":   func(s *sharing) error { return second(s.alice.DeleteKey(ctx, filter(t, "attr.class=private-key"))) },
		"owner deleted": func(s *sharing) error { return second(s.co.DeleteUser(ctx, "alice")) },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			s := newSharing(t)
			must[*Key](t)(s.alice.Share(ctx, filter(t, "tls"), "bob"))
			ok(t, s.sign(s.bob, "tls"))
			ok(t, end(s))
			wantKind(t, s.sign(s.bob, "tls"), ErrNotFound)
			res := must[ListResult](t)(s.bob.ListKeys(ctx, attr.Filter{}, ListOptions{}, func(*Key) error { return nil }))
			if name == "owner deleted" && res.Total != 0 {
				t.Errorf("%d keys left", res.Total)
			}
		})
	}
	t.Run("receiver deleted", func(t *testing.T) {
		s := newSharing(t)
		must[*Key](t)(s.alice.Share(ctx, filter(t, "tls"), "bob"))
		must[int](t)(s.co.DeleteUser(ctx, "bob"))
		ok(t, s.sign(s.alice, "tls"))
		must[uint64](t)(s.alice.SetAttribute(ctx, filter(t, "attr.class=private-key"), "id", "0x01"))
	})
}

// TestSetAttribute: the table's directions, and trusted, which only a CO sets.
func TestSetAttribute(t *testing.T) {
	ctx, s := context.Background(), newSharing(t)
	private := filter(t, "attr.class=private-key")
	set := func(name, value string) error { return second(s.alice.SetAttribute(ctx, private, name, value)) }
	ok(t, set("extractable", "false"))
	wantKind(t, set("extractable", "true"), ErrDenied)
	ok(t, set("sign", "false"))
	wantKind(t, s.sign(s.alice, "tls"), ErrDenied)
	ok(t, set("sign", "true"))
	ok(t, s.sign(s.alice, "tls"))
	wantKind(t, set("trusted", "true"), ErrDenied)
	wantKind(t, set("local", "false"), ErrDenied)
	wantKind(t, set("wrap", "true"), ErrUsage)
	wantKind(t, set("nonsense", "true"), ErrUsage)

	var ref uint64
	must[ListResult](t)(s.alice.ListKeys(ctx, private, ListOptions{}, func(k *Key) error { ref = k.Reference; return nil }))
	byRef := filter(t, "key-reference="+attr.FormatReference(ref))
	must[uint64](t)(s.co.SetAttribute(ctx, byRef, "trusted", "true"))
	trusted := must[ListResult](t)(s.alice.ListKeys(ctx, filter(t, "attr.trusted=true"), ListOptions{}, func(*Key) error { return nil }))
	if trusted.Total != 1 {
		t.Errorf("%d trusted keys", trusted.Total)
	}
	_, err := s.co.SetAttribute(ctx, byRef, "label", "mine")
	wantKind(t, err, ErrDenied)
	ok(t, set("modifiable", "false"))
	wantKind(t, set("label", "x"), ErrDenied)
}

// TestTrustedKeyGone: a key that is gone can be taken out of the roster's list,
// once, and not be put there.
func TestTrustedKeyGone(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	alice := f.login("alice")
	byRef := filter(t, "key-reference="+attr.FormatReference(f.aes(alice, "kek").Reference))
	set := func(value string) error { return second(f.co.SetAttribute(f.ctx, byRef, "trusted", value)) }
	ok(t, set("true"))
	must[*Key](t)(alice.DeleteKey(f.ctx, byRef))
	wantKind(t, set("true"), ErrNotFound)
	ok(t, set("false"))
	ok(t, f.im.view(f.ctx, func(v *view) error {
		r, err := v.publicRoster()
		if err == nil && len(r.Trusted) > 0 {
			t.Errorf("the roster lists %v", r.Trusted)
		}
		return err
	}))
	wantKind(t, set("false"), ErrNotFound)
}

// TestSetPolicy: the roster says it, and every use is recorded from then on.
func TestSetPolicy(t *testing.T) {
	ctx, s := context.Background(), newSharing(t)
	wantKind(t, s.alice.SetPolicy(ctx, "", "all"), ErrDenied)
	wantKind(t, s.co.SetPolicy(ctx, "", "some"), ErrUsage)
	ok(t, s.co.SetPolicy(ctx, "cloudhsm", "all"))
	before, _, err := s.im.Head(ctx)
	ok(t, err)
	ok(t, s.sign(s.alice, "tls"))
	after, _, err := s.im.Head(ctx)
	ok(t, err)
	if after != before+1 {
		t.Errorf("entry %d after %d: the use of a key was not recorded", after, before)
	}
	p := must[*Policy](t)(s.im.Policy(ctx))
	if p.Lockout != "cloudhsm" || p.AuditLevel != "all" {
		t.Errorf("policy %+v", p)
	}
}
