package record

import (
	"bytes"
	"crypto/sha256"
)

// Counter is a user's failed logins. It lies outside the audit chain: a
// password tried must be counted before it is known whether it is right.
type Counter struct {
	_        struct{} `cbor:",toarray"`
	User     []byte
	Failures uint32
	Locked   bool
	Open     bool // an attempt was counted and not settled
	Since    int64
	Sum      []byte // SHA-256 of the rest: a flipped bit is not a free attempt
}

// EncodeCounter sets the checksum and encodes.
func EncodeCounter(c Counter) []byte {
	c.Sum = c.sum()
	return Encode(&c)
}

// DecodeCounter is the inverse; ErrMalformed for a wrong checksum.
func DecodeCounter(b []byte) (Counter, error) {
	var c Counter
	if err := Decode(b, &c); err != nil {
		return c, err
	}
	if !bytes.Equal(c.sum(), c.Sum) {
		return c, ErrMalformed
	}
	return c, nil
}

func (c Counter) sum() []byte {
	c.Sum = nil
	s := sha256.Sum256(Encode(&c))
	return s[:]
}

// Session is one open session: the user secret under a key that only the
// session file has. Everything but Sealed is bound to it as associated data.
type Session struct {
	_       struct{} `cbor:",toarray"`
	User    []byte
	Gen     uint32
	Boot    string // boot id of the machine
	UID     uint32 // OS user
	Began   int64  // Unix milliseconds
	Expires int64
	Sealed  []byte
}

// Bound is the associated data.
func (s Session) Bound() []byte {
	s.Sealed = nil
	return Encode(&s)
}

// BackupMark is the newest backup that one vault took.
type BackupMark struct {
	_          struct{} `cbor:",toarray"`
	ID         string
	Created    int64
	Generation uint64
}

// Marks name work that was begun and must be finished by whoever opens next.
const (
	MarkScrub  = "scrub"  // free pages may hold secrets
	MarkSet    = "set"    // a set other than the live one is to be deleted
	MarkDelete = "delete" // objects of a user no longer in the roster
)

// Head is one user's signature of the audit chain's head.
type Head struct {
	_        struct{} `cbor:",toarray"`
	Sequence uint64
	Hash     []byte // of that entry
	Epoch    uint64 // of the roster in force
	User     []byte
	Gen      uint32
	Verifier []byte // the chain lists when it was made
	Sig      []byte
}

// Signed is what Sig is over.
func (h Head) Signed() []byte {
	h.Sig = nil
	return Encode(&h)
}
