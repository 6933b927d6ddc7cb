// Package seal is all the cryptography between a password and a record:
// one AEAD, one key-derivation function per mode, one hierarchy of labelled
// keys under a user secret, one public-key box. Everything in an image that
// is secret passes through Seal or SealTo; there is no second construction.
//
// The words: KEK is made from a password and seals one user secret (US); the
// keys of a user are derived from US and stored nowhere; a Place binds sealed
// bytes to where they lie, so a record that is moved does not open.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"filehsm/hsmfile/secret"
)

// KeySize is the size of every symmetric key here, in bytes: AES-256.
const KeySize = 32

// ErrOpen is the one answer for a wrong key, altered bytes or a wrong place:
// AES-GCM cannot tell them apart, and neither may a caller.
var ErrOpen = errors.New("sealed bytes do not open")

// Place is where sealed bytes lie. It is the associated data of the AEAD, so
// a record copied to another image, key or version does not open.
type Place struct {
	Image   []byte // image id, 16 bytes
	Mode    uint8  // the image's mode
	Kind    string // what the record is; the labels are in place constants of the callers
	ID      string // the record's key in the store, or another unique name
	Version uint64 // sequence of the audit entry that wrote it; 0 where there is none
}

// format is the first field of every Place: the image format's number.
const format = 1

// bytes encodes a Place so that no two places share an encoding: every
// variable part has its length before it.
func (p Place) bytes() []byte {
	b := binary.BigEndian.AppendUint16(nil, format)
	b = append(b, p.Mode)
	for _, part := range []string{string(p.Image), p.Kind, p.ID} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	return binary.BigEndian.AppendUint64(b, p.Version)
}

// aead is AES-256-GCM with a random 96-bit nonce in front of the ciphertext
// (SP 800-38D §8.2.2). It is the one form that Go's FIPS 140-3 module also
// allows when it refuses unapproved use. Bound: 2^32 messages a key.
func aead(key *secret.Bytes) (cipher.AEAD, error) {
	if key.Len() != KeySize {
		return nil, fmt.Errorf("seal: key of %d bytes, want %d", key.Len(), KeySize)
	}
	block, err := aes.NewCipher(key.Reveal())
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// Seal encrypts plain under key for one place, and adds a nonce of 12 bytes and
// a tag of 16.
func Seal(key *secret.Bytes, at Place, plain []byte) ([]byte, error) {
	a, err := aead(key)
	if err != nil {
		return nil, err
	}
	return a.Seal(nil, nil, plain, at.bytes()), nil
}

// Open is the inverse of Seal; anything wrong is ErrOpen.
func Open(key *secret.Bytes, at Place, sealed []byte) ([]byte, error) {
	a, err := aead(key)
	if err != nil {
		return nil, err
	}
	plain, err := a.Open(nil, nil, sealed, at.bytes())
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}

// NewKey returns a fresh random key of KeySize bytes.
func NewKey() *secret.Bytes { return secret.New(Random(KeySize)) }

// Random returns n random bytes. crypto/rand does not fail: it ends the
// process when the system has no randomness.
func Random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}
