package commands

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
)

// The damage is done by what hsmfile/FORMAT.md says, with bbolt, past all code
// of ours.

// secretSet is the prefix of the records of an image's first set.
const secretSet = "s\x00\x00\x00\x01"

// withRecords opens a file's records.
func withRecords(t *testing.T, path string, fn func(b *bbolt.Bucket) error) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{PageSize: 4096, FreelistType: bbolt.FreelistArrayType})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Update(func(tx *bbolt.Tx) error { return fn(tx.Bucket([]byte("records"))) }); err != nil {
		t.Fatal(err)
	}
}

// rawRecords are all records of a file; the file may change in form.
func rawRecords(t *testing.T, path string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	withRecords(t, path, func(b *bbolt.Bucket) error {
		return b.ForEach(func(k, v []byte) error { all[string(k)] = bytes.Clone(v); return nil })
	})
	return all
}

// oneOf is the first key with a prefix, "" if there is none.
func oneOf(all map[string][]byte, prefix string) string {
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if strings.HasPrefix(key, prefix) {
			return key
		}
	}
	return ""
}

// A goldenDamage is done to a copy of cloudhsm.hsm: to its records, or to its
// bytes.
type goldenDamage struct {
	name, about string
	says        string // what image check must say
	edit        func(m *maker, all map[string][]byte) (changed map[string][]byte)
	bytes       func(b []byte) []byte
	user        bool // alice is asked as well
	mends       bool // image check --accept-previous is asked as well
}

func goldenDamages() []goldenDamage {
	keyRecords := secretSet + "k"
	return []goldenDamage{
		{name: "empty", about: "no byte in it", says: "empty", bytes: func([]byte) []byte { return nil }},
		{name: "other-format", about: "a text", says: "cannot be read as an image", bytes: func([]byte) []byte { return bytes.Repeat([]byte("This is no image. "), 600) }},
		{name: "truncated", about: "cut in the middle", says: "shorter", bytes: func(b []byte) []byte { return b[:len(b)/8192*4096] }},
		{name: "newest-meta-damaged", about: "a bit flipped in the newest meta page", says: "meta page", bytes: func(b []byte) []byte { return flipMeta(b, newestMeta(b)) }, mends: true},
		{name: "older-meta-damaged", about: "a bit flipped in the meta page of the commit before", says: "meta page", bytes: func(b []byte) []byte { return flipMeta(b, 1-newestMeta(b)) }, mends: true},
		{name: "two-pages-exchanged", about: "two leaf pages exchanged", says: "page", bytes: exchangePages, user: true},
		{name: "future-version", about: "a header of version 2", says: "newer version", edit: futureHeader},
		{name: "record-flipped", about: "a bit flipped in a key's record", says: "key 0x", user: true, edit: func(_ *maker, all map[string][]byte) map[string][]byte {
			b := bytes.Clone(all[oneOf(all, keyRecords)])
			b[len(b)/2] ^= 1
			return map[string][]byte{oneOf(all, keyRecords): b}
		}},
		{name: "record-removed", about: "a key's record removed", says: "it is missing", user: true, edit: func(_ *maker, all map[string][]byte) map[string][]byte {
			return map[string][]byte{oneOf(all, keyRecords): nil}
		}},
		{name: "records-exchanged", about: "the records of two keys exchanged", says: "key 0x", user: true, edit: func(_ *maker, all map[string][]byte) map[string][]byte {
			one := oneOf(all, keyRecords)
			rest := maps.Clone(all)
			delete(rest, one)
			two := oneOf(rest, keyRecords)
			return map[string][]byte{one: all[two], two: all[one]}
		}},
		{name: "older-record", about: "a key's record and its label put back from an older copy", says: "it is not what", user: true, edit: olderKey},
		{name: "entry-removed", about: "an entry of the audit chain removed", says: "audit chain is broken", user: true, edit: func(_ *maker, all map[string][]byte) map[string][]byte {
			return map[string][]byte{"e\x00\x00\x00\x00\x00\x00\x00\x05": nil}
		}},
		{name: "entry-flipped", about: "a bit flipped in an entry of the audit chain", says: "audit chain is broken", user: true, edit: func(_ *maker, all map[string][]byte) map[string][]byte {
			return flipped(all, "e\x00\x00\x00\x00\x00\x00\x00\x05")
		}},
		{name: "head-flipped", about: "a bit flipped in a signed head", says: "signature", user: true, edit: func(_ *maker, all map[string][]byte) map[string][]byte { return flipped(all, oneOf(all, "g")) }},
		{name: "counter-damaged", about: "a bit flipped in each login counter", says: "login counter", user: true, edit: func(_ *maker, all map[string][]byte) map[string][]byte {
			changed := map[string][]byte{}
			for key := range all {
				if strings.HasPrefix(key, "vc") {
					maps.Copy(changed, flipped(all, key))
				}
			}
			return changed
		}},
		{name: "login-damaged", about: "a bit flipped in each login record", says: "login record", user: true, edit: func(_ *maker, all map[string][]byte) map[string][]byte {
			changed := map[string][]byte{}
			for key := range all {
				if strings.HasPrefix(key, secretSet+"u") {
					maps.Copy(changed, flipped(all, key))
				}
			}
			return changed
		}},
		{name: "roster-flipped", about: "a bit flipped in the newest roster", says: "roster", user: true, edit: func(_ *maker, all map[string][]byte) map[string][]byte {
			newest := ""
			for key := range all {
				if strings.HasPrefix(key, secretSet+"r") {
					newest = max(newest, key)
				}
			}
			return flipped(all, newest)
		}},
	}
}

// flipped flips a bit of a record's last byte: of its signature or checksum,
// or of the hash at its end.
func flipped(all map[string][]byte, key string) map[string][]byte {
	b := bytes.Clone(all[key])
	b[len(b)-1] ^= 1
	return map[string][]byte{key: b}
}

func futureHeader(_ *maker, all map[string][]byte) map[string][]byte {
	b := bytes.Clone(all["h"][:len(all["h"])-sha256.Size])
	binary.BigEndian.PutUint16(b[len("filehsm-image"):], 2)
	sum := sha256.Sum256(b)
	return map[string][]byte{"h": append(b, sum[:]...)}
}

// olderKey puts back what before.hsm has of alice's keys.
func olderKey(m *maker, all map[string][]byte) map[string][]byte {
	changed := map[string][]byte{}
	older := rawRecords(m.t, m.path("before.hsm"))
	for _, kind := range []string{"k", "l"} {
		for key := range all {
			if strings.HasPrefix(key, secretSet+kind) && !bytes.Equal(all[key], older[key]) {
				changed[key] = older[key]
			}
		}
		for key := range older {
			if strings.HasPrefix(key, secretSet+kind) && all[key] == nil {
				changed[key] = older[key]
			}
		}
	}
	return changed
}

// newestMeta is the page number of the newer meta page; bbolt's counter of
// commits is at byte 48 of what follows the page's header of 16.
func newestMeta(b []byte) int {
	if binary.LittleEndian.Uint64(b[16+48:]) > binary.LittleEndian.Uint64(b[4096+16+48:]) {
		return 0
	}
	return 1
}

func flipMeta(b []byte, page int) []byte {
	b = bytes.Clone(b)
	b[page*4096+16+48] ^= 1
	return b
}

// exchangePages exchanges two leaf pages and gives each the other's number, so
// that only what is in them is wrong.
func exchangePages(b []byte) []byte {
	b = bytes.Clone(b)
	root := binary.LittleEndian.Uint64(b[newestMeta(b)*4096+16+16:])
	var leaves []int
	for id := 2; id < len(b)/4096; id++ {
		page := b[id*4096:]
		if id != int(root) && binary.LittleEndian.Uint64(page) == uint64(id) && page[8] == 2 && binary.LittleEndian.Uint32(page[12:]) == 0 {
			leaves = append(leaves, id)
		}
	}
	one, two := b[leaves[0]*4096:][:4096], b[leaves[len(leaves)-1]*4096:][:4096]
	kept := bytes.Clone(one)
	copy(one[8:], two[8:])
	copy(two[8:], kept[8:])
	return b
}

func (m *maker) damaged() {
	for _, d := range goldenDamages() {
		name := d.name + ".hsm"
		m.copy("cloudhsm.hsm", name)
		if d.edit != nil {
			m.edit(name, d.edit(m, rawRecords(m.t, m.path(name))))
		} else {
			m.put0600(name, d.bytes(m.read(name)))
		}
		g := m.ask(name, d.about)
		for i := range g.Reads {
			if g.Reads[i].Line == "image check" {
				g.Reads[i].Says = d.says
			}
		}
		if d.user {
			m.askUser(name, "alice", "key list")
		}
		if d.mends {
			m.aside(name, func() {
				for _, line := range []string{"image check --accept-previous", "image check", "login --username alice --password-file alice.pw", "key list"} {
					a, _ := m.answer(line)
					g.Mends = append(g.Mends, a)
				}
			})
		}
		m.seen(name, g)
	}
}

// edit changes records; nil removes one.
func (m *maker) edit(name string, changed map[string][]byte) {
	m.t.Helper()
	if len(changed) == 0 {
		m.t.Fatalf("%s: no damage", name)
	}
	withRecords(m.t, m.path(name), func(b *bbolt.Bucket) error {
		for _, key := range slices.Sorted(maps.Keys(changed)) {
			value := changed[key]
			if value == nil {
				if err := b.Delete([]byte(key)); err != nil {
					return err
				}
			} else if err := b.Put([]byte(key), value); err != nil {
				return err
			}
		}
		return nil
	})
}

// seen fails unless the damage is found, by what it is.
func (m *maker) seen(name string, g *goldenImage) {
	m.t.Helper()
	for _, a := range g.Reads {
		if a.Line == "image check" {
			m.use(name)
			o := m.run(a.Line)
			if a.Exit != 7 && a.Exit != 5 || !strings.Contains(o.err, a.Says) {
				m.t.Errorf("%s: exit %d, want %q\n%s", name, a.Exit, a.Says, o.err)
			}
			fmt.Printf("%s: exit %d %s", name, a.Exit, o.err)
		}
	}
}
