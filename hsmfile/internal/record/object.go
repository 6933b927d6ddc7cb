package record

import "math"

// Key is a secret-key or private-key object as stored.
type Key struct {
	_       struct{} `cbor:",toarray"`
	Gen     uint32   // owner's generation that seals DEK
	Version uint64
	DEK     []byte   // data encryption key and Sum, sealed under the owner's sealing key
	Body    []byte   // Object, sealed under DEK
	Shared  [][]byte // users it is shared with, ascending
}

// ReadFields is for Decode.
func (k *Key) ReadFields(s *Strict) {
	s.Fields(5)
	k.Gen, k.Version = uint32(s.Uint(math.MaxUint32)), s.Uint(math.MaxUint64)
	k.DEK, k.Body = s.Bytes(), s.Bytes()
	k.Shared = Array(s, func(user *[]byte, s *Strict) { *user = s.Bytes() })
}

// Sum is the hash of all but DEK. It is sealed with the DEK: whoever was given
// the DEK could otherwise write Body anew, and anyone who can write the file
// could put himself among Shared.
func (k Key) Sum() []byte {
	k.DEK = nil
	return Hash(Encode(&k))
}

// Share is another user's key as its receiver took it up: the DEK under his
// own seal, and where he indexed it.
type Share struct {
	_          struct{} `cbor:",toarray"`
	Owner      []byte
	Gen        uint32 // receiver's generation that seals DEK
	Version    uint64
	DEK        []byte // as in Key, sealed under the receiver's sealing key
	KeyVersion uint64 // version of the key record that DEK opens
	Label      []byte // name of the receiver's label record; empty if the key has no label
}

// PubObj is a public-key object as stored: every CU may open it, and its
// owner's signature says that it is his.
type PubObj struct {
	_       struct{} `cbor:",toarray"`
	Owner   []byte
	Gen     uint32 // owner's generation that signed
	Version uint64
	Body    []byte // Object, sealed under the common key
	Sig     []byte
}

// Signed is what Sig is over, for the record of one name.
func (p PubObj) Signed(name Name) []byte {
	p.Sig = nil
	return append(Encode([]byte(name)), Encode(&p)...)
}

// Object is what is inside: attributes and material, sealed as one.
type Object struct {
	_          struct{} `cbor:",toarray"`
	Attributes []byte   // attr.Set's encoding
	Material   []byte   // raw secret, PKCS #8 or SubjectPublicKeyInfo
}

// Holdings is an owner's count of his keys, under his own seal.
type Holdings struct {
	_     struct{} `cbor:",toarray"`
	Count uint64
	Key   []byte // random key of the sum below, chosen once
	Sum   []byte // XOR of HMAC-SHA-256(Key, name ‖ version) over the key objects
}
