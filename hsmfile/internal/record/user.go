package record

import "filehsm/hsmfile/internal/seal"

// Login is what a password opens.
type Login struct {
	_       struct{} `cbor:",toarray"`
	User    []byte
	Gen     uint32
	Version uint64
	KDF     seal.KDF
	Sealed  []byte   // user secret of generation Gen, sealed under the KEK
	Older   [][]byte // Older[i]: secret of generation First+i, sealed under the secret after it
	First   uint32   // the oldest generation that can still be reached
	SetBy   string   // name of who set the password
	SetAt   int64    // Unix milliseconds
	Sig     []byte   // by the user's own key of generation Gen, over the rest
}

// Signed is what Sig is over.
func (l Login) Signed() []byte {
	l.Sig = nil
	return Encode(&l)
}

// Public is one generation of a user's public keys.
type Public struct {
	_        struct{} `cbor:",toarray"`
	User     []byte
	Gen      uint32
	Prev     []byte // hash of the generation before; empty in the first
	KEM      uint16
	Box      []byte // HPKE public key
	Verifier []byte // Ed25519 public key
	Sig      []byte // by the generation before; empty where a roster vouches for this one
}

// Signed is what Sig is over, and what Hash names.
func (p Public) Signed() []byte {
	p.Sig = nil
	return Encode(&p)
}

// Hash names these keys in a roster.
func (p Public) Hash() []byte { return Hash(p.Signed()) }

// Pins is what a user remembers, under his own seal, of the rosters he saw.
type Pins struct {
	_         struct{} `cbor:",toarray"`
	Epoch     uint64
	Hash      []byte // newest roster seen
	KeptEpoch uint64
	Kept      []byte // the newest roster in which officers or their keys changed, up to that one
}

// SealedOwn is a record sealed under its owner's sealing key: pins, holdings.
type SealedOwn struct {
	_       struct{} `cbor:",toarray"`
	Gen     uint32
	Version uint64
	Sealed  []byte
}

// Left is something left for a user, sealed to him and signed by its author:
// an escrow and the common key by the user whom they are about, an offer by
// the owner of the key.
type Left struct {
	_         struct{} `cbor:",toarray"`
	Version   uint64
	Author    []byte
	AuthorGen uint32
	ToGen     uint32 // generation of the receiver's key pair
	Box       seal.Box
	Sig       []byte
}

// Signed is what Sig is over, for the record of one name.
func (l Left) Signed(name Name) []byte {
	l.Sig = nil
	return append(Encode([]byte(name)), Encode(&l)...)
}
