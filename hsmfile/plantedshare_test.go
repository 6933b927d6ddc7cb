package hsmfile

import (
	"bytes"
	"testing"

	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/internal/chain"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/seal"
	"filehsm/hsmfile/secret"
)

// planting is an image in which alice has two keys: bob has taken up "kek" and
// is offered "new". mallory is a CU with a key of her own, and all of this
// program; whoever plants has the file as well.
type planting struct {
	*fixture
	alice, bob, mallory *Session
	kek, new, mine      *Key
	now                 map[string][]byte
	nobodys             bool // what was planted is in nobody's way: image check alone meets it
	sealed              bool // what is wrong is sealed to its receiver: with an entry that lists it, he alone can tell
}

func newPlanting(t *testing.T) *planting {
	t.Helper()
	f := newFixture(t, CreateSpec{})
	ok(t, f.co.CreateUser(f.ctx, "mallory", CU, pw(passBob)))
	p := &planting{fixture: f, alice: f.login("alice"), bob: f.login("bob")}
	p.mallory = must[*Session](t)(f.try("mallory", passBob, false))
	p.kek, p.new, p.mine = f.aes(p.alice, "kek"), f.aes(p.alice, "new"), f.aes(p.mallory, "mine")
	must[*Key](t)(p.alice.Share(f.ctx, filter(t, "kek"), "bob"))
	f.list(p.bob)
	must[*Key](t)(p.alice.Share(f.ctx, filter(t, "new"), "bob"))
	p.now = records(t, f.path)
	return p
}

// offer is one left for bob, rightly sealed to him and signed.
func (p *planting) offer(by author, ref uint64, dekSum *secret.Bytes) (key string, b []byte) {
	return p.offerAs(record.OfferName(p.bob.id(), ref), by, dekSum)
}

func (p *planting) offerAs(n record.Name, by author, dekSum *secret.Bytes) (key string, b []byte) {
	p.Helper()
	ok(p.T, p.im.view(p.ctx, func(v *view) error {
		bob := p.row("bob")
		to, err := v.currentPublic(&bob)
		if err != nil {
			return err
		}
		l := record.Left{Version: 3, Author: []byte(by.id), AuthorGen: by.gen, ToGen: to.Gen}
		if l.Box, err = seal.SealTo(to.KEM, to.Box, v.place(placeShare, n, l.Version), dekSum.Reveal()); err != nil {
			return err
		}
		l.Sig = by.keys.Sign(signLeft, l.Signed(n))
		b = record.Encode(&l)
		return nil
	}))
	return p.key(n), b
}

// dekSum is what the owner of a key offers of it.
func (p *planting) dekSum(owner *Session, ref uint64) (dekSum *secret.Bytes) {
	p.Helper()
	n := record.KeyName(owner.id(), ref)
	ok(p.T, p.im.view(p.ctx, func(v *view) error {
		var k record.Key
		if err := v.need(n, &k); err != nil {
			return err
		}
		b, err := seal.Open(owner.keys.Sealing(), v.place(placeDEK, n, k.Version), k.DEK)
		dekSum = secret.New(b)
		return err
	}))
	return dekSum
}

// keyAs is mallory's key as one of somebody's, under a reference of his choice.
func (p *planting) keyAs(owner *Session, ref uint64, change map[string][]byte) *secret.Bytes {
	p.Helper()
	n := record.KeyName(owner.id(), ref)
	var dekSum *secret.Bytes
	ok(p.T, p.im.view(p.ctx, func(v *view) error {
		o, _, err := p.mallory.open(v, record.KeyName(p.mallory.id(), p.mine.Reference))
		if err != nil {
			return err
		}
		plain, err := encodeObject(o.set, o.material)
		if err != nil {
			return err
		}
		dek := seal.NewKey()
		k := record.Key{Gen: 1, Version: 3, Shared: [][]byte{p.bob.user.ID}}
		if k.Body, err = seal.Seal(dek, v.place(placeObject, n, k.Version), plain); err != nil {
			return err
		}
		dekSum = secret.New(append(bytes.Clone(dek.Reveal()), k.Sum()...))
		k.DEK, err = seal.Seal(owner.keys.Sealing(), v.place(placeDEK, n, k.Version), dekSum.Reveal())
		change[p.key(n)] = record.Encode(&k)
		return err
	}))
	return dekSum
}

// TestPlantedOffer: whatever is left for bob that a key's owner did not leave
// is refused when he looks, also where an audit entry speaks of it.
func TestPlantedOffer(t *testing.T) {
	junk := func() *secret.Bytes { return secret.New(bytes.Repeat([]byte{7}, seal.KeySize+32)) }
	for what, plant := range map[string]func(p *planting, change map[string][]byte){
		"by a stranger": func(p *planting, change map[string][]byte) {
			key, b := p.offer(stranger(p.T), p.mine.Reference, p.dekSum(p.mallory, p.mine.Reference))
			change[key] = b
		},
		"by a stranger in its owner's name": func(p *planting, change map[string][]byte) {
			key, b := p.offer(author{p.alice.id(), 1, stranger(p.T).keys}, p.new.Reference, junk())
			change[key] = b
		},
		"by a CU who does not own the key": func(p *planting, change map[string][]byte) {
			key, b := p.offer(p.mallory.author(), p.new.Reference, junk())
			change[key] = b
		},
		"by a CU in its owner's name": func(p *planting, change map[string][]byte) {
			key, b := p.offer(author{p.alice.id(), 1, p.mallory.keys}, p.new.Reference, junk())
			change[key] = b
		},
		"by a CU it is shared with, in its owner's name": func(p *planting, change map[string][]byte) {
			must[*Key](p.T)(p.alice.Unshare(p.ctx, filter(p.T, "new"), "bob"))
			must[*Key](p.T)(p.alice.Share(p.ctx, filter(p.T, "new"), "mallory"))
			key, b := p.offer(author{p.alice.id(), 1, p.mallory.keys}, p.new.Reference, p.dekSum(p.alice, p.new.Reference))
			change[key] = b
		},
		"by its owner, before he took it back": func(p *planting, change map[string][]byte) {
			must[*Key](p.T)(p.alice.Unshare(p.ctx, filter(p.T, "new"), "bob"))
			key := p.key(record.OfferName(p.bob.id(), p.new.Reference))
			change[key] = p.now[key]
		},
		"by a CU, of her own key in a taken one's place": func(p *planting, change map[string][]byte) {
			key, b := p.offer(p.mallory.author(), p.kek.Reference, p.keyAs(p.mallory, p.kek.Reference, change))
			change[key] = b
		},
		"by a CO, of a key whose DEK he has by escrow": func(p *planting, change map[string][]byte) {
			key, b := p.offer(p.co.author(), p.new.Reference, p.dekSum(p.alice, p.new.Reference))
			change[key] = b
		},
		"by a CO, of a key that he put there": func(p *planting, change map[string][]byte) {
			key, b := p.offer(p.co.author(), 77, p.keyAs(p.co, 77, change))
			change[key] = b
		},
		"by a CU, under half a name": func(p *planting, change map[string][]byte) {
			by, n := p.mallory.author(), record.OfferPrefix(p.bob.id())[:8]
			p.keyAs(p.mallory, record.RefOf(n), change)
			l := record.Left{Version: 3, Author: []byte(by.id), AuthorGen: by.gen, ToGen: 1}
			l.Sig = by.keys.Sign(signLeft, l.Signed(n))
			change[p.key(n)] = record.Encode(&l)
			p.nobodys = true
		},
		"by its owner, of another key": func(p *planting, change map[string][]byte) {
			key, b := p.offer(p.alice.author(), p.new.Reference, p.dekSum(p.alice, p.kek.Reference))
			change[key], p.sealed = b, true
		},
		"by its owner, for another key's place": func(p *planting, change map[string][]byte) {
			from := p.key(record.OfferName(p.bob.id(), p.new.Reference))
			change[p.key(record.OfferName(p.bob.id(), p.kek.Reference))], change[from] = p.now[from], nil
		},
		"rightly, under a longer name": func(p *planting, change map[string][]byte) {
			right := record.OfferName(p.bob.id(), p.mine.Reference)
			n := right[:len(right)-8] + "x" + right[len(right)-8:]
			key, b := p.offerAs(n, p.mallory.author(), p.dekSum(p.mallory, p.mine.Reference))
			change[key] = b
		},
		"by its owner, for another user": func(p *planting, change map[string][]byte) {
			must[*Key](p.T)(p.alice.Share(p.ctx, filter(p.T, "new"), "mallory"))
			now := records(p.T, p.path)
			change[p.key(record.OfferName(p.bob.id(), p.new.Reference))] = now[p.key(record.OfferName(p.mallory.id(), p.new.Reference))]
		},
	} {
		t.Run(what, func(t *testing.T) {
			p := newPlanting(t)
			change := map[string][]byte{}
			plant(p, change)
			p.tamper(change)
			p.bobRefuses(what)
			entry := chain.Entry{Opcode: chain.ShareObject, Subject: "bob", Username: "alice"}
			for key, b := range change {
				_, n, _ := record.SetOf(key)
				w := chain.Wrote{Name: []byte(n)}
				if b != nil {
					w.Hash = record.Hash(b)
				}
				entry.Wrote = append(entry.Wrote, w)
			}
			p.append1(entry, change)
			p.tamper(change)
			p.bobRefuses(what + ", with an entry")
		})
	}
}

func (p *planting) bobRefuses(what string) {
	p.Helper()
	if len(findings(p.T, p.path)) == 0 && !p.sealed {
		p.Errorf("%s: image check finds nothing", what)
	}
	if p.nobodys {
		return
	}
	_, err := p.bob.ListKeys(p.ctx, attr.Filter{}, ListOptions{}, func(*Key) error { return nil })
	p.wants(err, ErrIntegrity, what+": list")
	_, err = p.bob.oneByLabel(p.fixture, "kek")
	p.wants(err, ErrIntegrity, what+": use by label")
	if got := p.list(p.alice); len(got) != 2 {
		p.Errorf("%s: alice has %q", what, got)
	}
}

// TestRightOffer is the trade of those who plant: an offer that alice could
// have made is taken up.
func TestRightOffer(t *testing.T) {
	p := newPlanting(t)
	key, b := p.offer(p.alice.author(), p.new.Reference, p.dekSum(p.alice, p.new.Reference))
	p.tamper(map[string][]byte{key: b})
	if got := p.list(p.bob); len(got) != 2 {
		t.Errorf("bob has %q", got)
	}
}

// TestSharePutBack: after unshare, what bob kept opens nothing, and put back
// into the file it is found; so is all of the state before.
func TestSharePutBack(t *testing.T) {
	p := newPlanting(t)
	must[*Key](t)(p.alice.Unshare(p.ctx, filter(t, "kek"), "bob"))
	now := records(t, p.path)
	share := p.key(record.ShareName(p.bob.id(), p.kek.Reference))
	back := map[string][]byte{share: p.now[share]}
	for key, b := range p.now {
		if _, n, ok := record.SetOf(key); ok && n.Kind() == record.KindLabel && now[key] == nil {
			back[key] = b
		}
	}
	p.tamper(back)
	_, err := p.bob.ListKeys(p.ctx, attr.Filter{}, ListOptions{}, func(*Key) error { return nil })
	p.wants(err, ErrIntegrity, "bob's list with the share put back")
	_, err = p.bob.oneByLabel(p.fixture, "kek")
	p.wants(err, ErrIntegrity, "bob's use with the share put back")
	if len(findings(t, p.path)) == 0 {
		t.Error("image check finds nothing")
	}

	key := p.key(record.KeyName(p.alice.id(), p.kek.Reference))
	p.tamper(map[string][]byte{key: p.now[key]})
	_, err = p.alice.ListKeys(p.ctx, attr.Filter{}, ListOptions{}, func(*Key) error { return nil })
	p.wants(err, ErrIntegrity, "alice's list with the key put back as well")
	p.foundByAll("share and key put back")
}

// TestAttributePutBack: a key as it was before its attribute was set.
func TestAttributePutBack(t *testing.T) {
	p := newPlanting(t)
	must[uint64](t)(p.alice.SetAttribute(p.ctx, filter(t, "kek"), "extractable", "false"))
	key := p.key(record.KeyName(p.alice.id(), p.kek.Reference))
	p.tamper(map[string][]byte{key: p.now[key]})
	_, err := p.alice.ListKeys(p.ctx, attr.Filter{}, ListOptions{}, func(*Key) error { return nil })
	p.wants(err, ErrIntegrity, "its owner's list")
	_, err = p.bob.ListKeys(p.ctx, attr.Filter{}, ListOptions{}, func(*Key) error { return nil })
	p.wants(err, ErrIntegrity, "the list of a user it is shared with")
	p.foundByAll("a key put back")
	holdings := p.key(record.HoldingsName(p.alice.id()))
	p.tamper(map[string][]byte{holdings: p.now[holdings]})
	p.foundByAll("a key put back with the holdings of then")
}

// foundByAll: image check, audit verify and a backup.
func (p *planting) foundByAll(what string) {
	p.Helper()
	if len(findings(p.T, p.path)) == 0 {
		p.Errorf("%s: image check finds nothing", what)
	}
	if r := p.verify(false); len(r.Findings) == 0 {
		p.Errorf("%s: audit verify finds nothing", what)
	}
	robot := p.login("robot")
	b := must[*Backup](p.T)(robot.BeginBackup(p.ctx))
	recipient := must[string](p.T)(GenerateIdentity(new(bytes.Buffer), false, ""))
	_, err := b.Write(p.ctx, []BackupTarget{{[]string{recipient}, new(bytes.Buffer)}})
	p.wants(err, ErrIntegrity, what+": backup")
}

// TestFlippedBackup: one bit of any byte of an age file, before anybody
// compared it with its manifest. The fingerprint, the content's hash and the
// signatures inside are what holds then.
func TestFlippedBackup(t *testing.T) {
	f := newFixture(t, CreateSpec{})
	f.aes(f.login("alice"), "a")
	m, sealed := f.backup(f.login("robot"))
	kinds := map[error]int{}
	for at := 3; at < len(sealed); at += 97 {
		b := bytes.Clone(sealed)
		b[at] ^= 1 << (at % 8)
		_, err := f.plan(f.newPath(), m, b)
		switch code := exitKind(err); code {
		case ErrIntegrity, ErrNotFound:
			kinds[code]++
		default:
			t.Errorf("byte %d: %v", at, err)
		}
	}
	t.Logf("%v", kinds)
}

// exitKind is the kind of a refusal; nil for none.
func exitKind(err error) error {
	e, ok := err.(*Error)
	if !ok {
		return nil
	}
	return e.Kind
}
