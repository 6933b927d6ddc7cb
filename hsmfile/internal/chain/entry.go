// Package chain is the audit log: entries in a hash chain, each saying what
// it wrote, so that the whole state of an image can be replayed from it and
// compared with what lies there.
package chain

import (
	"errors"
	"fmt"
	"math"

	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/store"
)

// Entry is one audit entry. It names users, key references and vaults, never
// a label, a password or data.
type Entry struct {
	_          struct{} `cbor:",toarray"`
	Sequence   uint64
	Time       int64  // Unix milliseconds, never earlier than the entry before
	Prev       []byte // SHA-256 of the entry before; empty in the first
	Opcode     Opcode
	User       []byte // who acted; empty if nobody was logged in
	Username   string
	Role       uint8
	Keys       []uint64 // key references
	Subject    string   // user or vault acted on
	Result     string   // Success, or why not
	Epoch      uint64   // of the roster in force afterwards
	Generation uint64   // sequence of the newest entry that changed a record, this one included
	KeyCount   uint32   // key objects in the image afterwards
	Wrote      []Wrote
	Gone       bool // zeroization: every record but the surviving kinds
	Restored   *Restored
}

// Success is the Result of what was done.
const Success = "SUCCESS"

// Wrote is one record that the entry's transaction changed.
type Wrote struct {
	_    struct{} `cbor:",toarray"`
	Name []byte   // kind and id; the header has the name "h"
	Hash []byte   // SHA-256 of the stored bytes; empty if the record is gone
}

// Restored says where the state after a restore comes from.
type Restored struct {
	_        struct{} `cbor:",toarray"`
	Backup   string   // id of the backup
	Sequence uint64   // its head: the state is that of this entry …
	Hash     []byte
	Passed   []Passed // newer backups that were known and not taken
}

// Passed is a newer backup that a restore passed over: its head may lie off
// this chain, and is not a sign of a rolled-back image.
type Passed struct {
	_        struct{} `cbor:",toarray"`
	Backup   string
	Sequence uint64
	Hash     []byte
}

// Encode is the entry as stored; its hash is SHA-256 of this.
func (e *Entry) Encode() []byte { return record.Encode(e) }

// ReadFields is for record.Decode.
func (e *Entry) ReadFields(s *record.Strict) {
	s.Fields(16)
	e.Sequence, e.Time, e.Prev, e.Opcode = s.Uint(math.MaxUint64), s.Int(), s.Bytes(), Opcode(s.Uint(math.MaxUint16))
	e.User, e.Username, e.Role = s.Bytes(), s.Text(), uint8(s.Uint(math.MaxUint8))
	e.Keys = record.Array(s, func(ref *uint64, s *record.Strict) { *ref = s.Uint(math.MaxUint64) })
	e.Subject, e.Result = s.Text(), s.Text()
	e.Epoch, e.Generation, e.KeyCount = s.Uint(math.MaxUint64), s.Uint(math.MaxUint64), uint32(s.Uint(math.MaxUint32))
	e.Wrote = record.Array(s, (*Wrote).readFields)
	e.Gone = s.Bool()
	if !s.Null() {
		e.Restored = new(Restored)
		e.Restored.readFields(s)
	}
}

func (w *Wrote) readFields(s *record.Strict) {
	s.Fields(2)
	w.Name, w.Hash = s.Bytes(), s.Bytes()
}

func (r *Restored) readFields(s *record.Strict) {
	s.Fields(4)
	r.Backup, r.Sequence, r.Hash = s.Text(), s.Uint(math.MaxUint64), s.Bytes()
	r.Passed = record.Array(s, (*Passed).readFields)
}

func (p *Passed) readFields(s *record.Strict) {
	s.Fields(3)
	p.Backup, p.Sequence, p.Hash = s.Text(), s.Uint(math.MaxUint64), s.Bytes()
}

// GenerationAfter is the generation of an entry that follows another, which is
// nil for the first: its own sequence if it changed a record. What a login
// changes does not count.
func (e *Entry) GenerationAfter(before *Entry) uint64 {
	switch {
	case e.Opcode != Login && (len(e.Wrote) > 0 || e.Gone || e.Restored != nil):
		return e.Sequence
	case before == nil:
		return 0
	}
	return before.Generation
}

// Decode is the inverse of Encode. The entry may share b's memory.
func Decode(b []byte) (*Entry, error) {
	e := new(Entry)
	if err := record.Decode(b, e); err != nil {
		return nil, err
	}
	return e, nil
}

// ErrBroken: the chain has a gap, a wrong link or a malformed entry.
var ErrBroken = errors.New("audit chain is broken")

// Link is an entry with its hash.
type Link struct {
	*Entry
	Hash []byte
}

// Last is the newest entry; a nil Entry if the chain is empty.
func Last(r store.Reader) (Link, error) {
	key, value, err := r.Last(record.EntryPrefix())
	if err != nil || value == nil {
		return Link{}, err
	}
	return link(key, value)
}

// At is the entry with a sequence; a nil Entry if there is none.
func At(r store.Reader, seq uint64) (Link, error) {
	value, err := r.Get(record.EntryKey(seq))
	if err != nil || value == nil {
		return Link{}, err
	}
	return link(record.EntryKey(seq), value)
}

func link(key string, value []byte) (Link, error) {
	l, err := DecodeLink(value)
	if err == nil {
		err = l.InPlace(key)
	}
	return l, err
}

// DecodeLink is an entry from its stored bytes.
func DecodeLink(value []byte) (Link, error) {
	e, err := Decode(value)
	if err != nil {
		return Link{}, fmt.Errorf("%w: %v", ErrBroken, err)
	}
	return Link{Entry: e, Hash: record.Hash(value)}, nil
}

// InPlace says whether the entry's sequence is that of the key under which it
// lies: ErrBroken if not.
func (l Link) InPlace(key string) error {
	if record.EntryKey(l.Sequence) != key {
		return fmt.Errorf("%w: entry %d is not in its place", ErrBroken, l.Sequence)
	}
	return nil
}
