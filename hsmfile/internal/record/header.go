package record

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
)

// Version is the image format's version; FORMAT.md says what it holds.
const Version = 1

// Suite is the one set of algorithms: AES-256-GCM, HKDF-SHA-256,
// MLKEM768-X25519, Ed25519, Argon2id.
const Suite = 1

// ErrFuture: a header whose checksum is right but whose version is newer.
var ErrFuture = errors.New("written by a newer version")

// Header is the first record of an image. It holds nothing secret.
type Header struct {
	_           struct{} `cbor:",toarray"`
	Suite       uint16
	ImageID     []byte // 16 bytes
	Serial      string
	Label       string
	Mode        uint8
	State       uint8
	Set         uint32 // number of the live set
	Fingerprint []byte // SHA-256 of the first roster; empty before activation
	Lockout     string // preset that the first roster will have
	Reset       uint8  // reset rule that the first roster will have
	Created     int64  // Unix milliseconds
}

// Enveloped values open with a magic word and a version, and end with a
// SHA-256 of all before it, in every version to come: so damage and "too new"
// can be told apart for ever.
const headerMagic = "filehsm-image"

// EncodeHeader is the header as stored.
func EncodeHeader(h *Header) []byte { return Envelope(headerMagic, Encode(h)) }

// DecodeHeader is the inverse; ErrFuture or ErrMalformed.
func DecodeHeader(b []byte) (*Header, error) {
	body, err := OpenEnvelope(headerMagic, b)
	if err != nil {
		return nil, err
	}
	h := new(Header)
	if err := Decode(body, h); err != nil {
		return nil, err
	}
	if len(h.ImageID) != ImageIDSize || (len(h.Fingerprint) != 0 && len(h.Fingerprint) != 32) {
		return nil, ErrMalformed
	}
	if h.Suite != Suite {
		return nil, ErrFuture
	}
	return h, nil
}

// Envelope wraps a body: magic, version (16 bits), body, SHA-256.
func Envelope(magic string, body []byte) []byte {
	b := binary.BigEndian.AppendUint16([]byte(magic), Version)
	b = append(b, body...)
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

// OpenEnvelope is the inverse of Envelope; ErrFuture or ErrMalformed.
func OpenEnvelope(magic string, b []byte) ([]byte, error) {
	front := len(magic) + 2
	if len(b) < front+sha256.Size || string(b[:len(magic)]) != magic {
		return nil, ErrMalformed
	}
	content, sum := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	if want := sha256.Sum256(content); !bytes.Equal(want[:], sum) {
		return nil, ErrMalformed
	}
	switch version := binary.BigEndian.Uint16(content[len(magic):]); {
	case version > Version:
		return nil, ErrFuture
	case version < Version:
		return nil, ErrMalformed // there is no version 0
	}
	return content[front:], nil
}
