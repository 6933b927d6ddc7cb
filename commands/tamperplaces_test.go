package commands

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// whyHarmless is every place in an image where a flipped bit may go unnoticed,
// and why it does no harm there.
var whyHarmless = map[string]string{
	"free page":              "it holds nothing: it is written whole, from zeros, before a meta page refers to it",
	pastTheLast:              "no meta page refers to it",
	"nonce of a commit":      "a process that has kept pages of that commit reads them again",
	"rest of a meta page":    "a meta page is its first 96 bytes; nothing reads the rest",
	"unused field of a page": "element count and overflow of a meta page: nothing reads them",
	"rest of a page":         "it lies behind the last record; page.go finds every record by the table in front",
	"sequence of the bucket": "a counter of bbolt's that nothing here uses",
	"value of the filler":    "it only takes room; its key and its length are checked, and every scrub writes it anew",
	unsignedEntry:            "the log shows that nobody has signed it yet; what it says of keys and generation is found",
	"record of a session":    "the session is over, or is resumed as it was: what limits it is bound to what it seals",
}

// unsignedEntry is an audit entry after the newest signed one: no entry
// continues the newest, and no signature holds it.
const unsignedEntry = "audit entry that nobody signed"

// pastTheLast is behind all pages: what a commit that failed had written.
const pastTheLast = "page past the last"

const imagePage = 4096

// places is what each byte of an image is for, as bbolt's format has it.
type places struct {
	b    []byte
	at   []string
	last uint64 // the first page past the last one

	entries []span // audit entries
	signed  uint64 // the newest that is signed
}

// span is the bytes of one audit entry.
type span struct {
	sequence uint64
	at, size int
}

// imagePlaces says of each byte of an undamaged image what it is for.
func imagePlaces(b []byte) []string {
	p := &places{b: b, at: make([]string, len(b))}
	newest := 0
	for page := range 2 {
		at := page * imagePage
		p.fill(at, 10, "meta page")
		p.fill(at+10, 6, "unused field of a page")
		p.fill(at+16, 64, "meta page")
		p.fill(at+80, 16, "nonce of a commit")
		p.fill(at+96, imagePage-96, "rest of a meta page")
		if p.u64(at+64) > p.u64(newest+64) {
			newest = at
		}
	}
	p.last = p.u64(newest + 56)
	p.fill(int(p.last)*imagePage, len(b), pastTheLast)
	p.freelist(p.u64(newest + 48))
	p.tree(p.u64(newest + 32))
	for _, e := range p.entries {
		if e.sequence > p.signed {
			for i := range e.size {
				p.at[e.at+i] = unsignedEntry
			}
		}
	}
	return p.at
}

func (p *places) u16(at int) int    { return int(binary.NativeEndian.Uint16(p.b[at:])) }
func (p *places) u32(at int) int    { return int(binary.NativeEndian.Uint32(p.b[at:])) }
func (p *places) u64(at int) uint64 { return binary.NativeEndian.Uint64(p.b[at:]) }

// fill names bytes that have no name yet.
func (p *places) fill(at, n int, name string) {
	for i := at; i < min(at+n, len(p.at)); i++ {
		if p.at[i] == "" {
			p.at[i] = name
		}
	}
}

func (p *places) freelist(id uint64) {
	at := int(id) * imagePage
	n := p.u16(at + 10)
	p.fill(at, 16+8*n, "list of free pages")
	p.fill(at, (1+p.u32(at+12))*imagePage, "rest of a page")
	for i := range n {
		p.fill(int(p.u64(at+16+8*i))*imagePage, imagePage, "free page")
	}
}

// tree names what lies in a page and below it.
func (p *places) tree(id uint64) {
	at := int(id) * imagePage
	leaf, n := p.u16(at+8) == 2, p.u16(at+10)
	p.fill(at, 16+16*n, "head of a page")
	for i := range n {
		e := at + 16 + 16*i
		if leaf {
			p.element(p.u32(e) == 1, e+p.u32(e+4), p.u32(e+8), p.u32(e+12))
		} else {
			p.fill(e+p.u32(e), p.u32(e+4), "separator")
			p.tree(p.u64(e + 8))
		}
	}
	p.fill(at, (1+p.u32(at+12))*imagePage, "rest of a page")
}

// element names a record, or the bucket's entry in the page above it.
func (p *places) element(bucket bool, at, keySize, size int) {
	key := string(p.b[at : at+keySize])
	switch {
	case bucket:
		p.fill(at, keySize+8, "bucket")
		p.fill(at+keySize+8, 8, "sequence of the bucket")
		p.tree(p.u64(at + keySize))
	case keySize > 256:
		p.fill(at, keySize, "key of the filler")
		p.fill(at+keySize, size, "value of the filler")
	case strings.HasPrefix(key, "vs"):
		p.fill(at, keySize+size, "record of a session")
	case key[0] == 'v':
		p.fill(at, keySize+size, fmt.Sprintf("volatile record %q", key[:2]))
	default:
		p.fill(at, keySize+size, fmt.Sprintf("record of kind %q", key[:1]))
	}
	switch {
	case key[0] == 'e' && keySize == 9:
		p.entries = append(p.entries, span{binary.BigEndian.Uint64([]byte(key[1:])), at, keySize + size})
	case key[0] == 'g' && keySize == 17:
		p.signed = max(p.signed, binary.BigEndian.Uint64([]byte(key[1:])))
	}
}
