package mech

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"slices"

	"filehsm/hsmfile/secret"
)

// AES Key Wrap: RFC 3394 (no padding) and RFC 5649 (zero padding), which are
// KW and KWP of NIST SP 800-38F. The standard library has neither.
//
// Both run the same six rounds over semiblocks of 8 bytes behind an integrity
// value of 8 bytes; they differ in that value and in what may be wrapped.

const (
	semiblock = 8
	rounds    = 6

	// maxPayload bounds what is wrapped or unwrapped: above any key we hold.
	maxPayload = 8192
)

var (
	// icvNoPad is the initial value of RFC 3394 §2.2.3.1.
	icvNoPad = [semiblock]byte{0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6}
	// icvZeroPad begins that of RFC 5649 §3; the payload's length follows.
	icvZeroPad = [4]byte{0xa6, 0x59, 0x59, 0xa6}
)

func newAES(key *secret.Bytes) (cipher.Block, error) {
	if !aesLength(key.Len()) {
		return nil, &Error{Kind: ErrBadInput, Text: fmt.Sprintf("invalid AES key: %d bytes, not 16, 24 or 32", key.Len())}
	}
	return aes.NewCipher(key.Reveal())
}

func wrapNoPad(block cipher.Block, payload []byte) ([]byte, error) {
	if len(payload)%semiblock != 0 || len(payload) < 2*semiblock {
		return nil, &Error{
			Kind: ErrBadInput,
			Text: fmt.Sprintf("aes-no-pad cannot wrap %d bytes: it takes multiples of 8, at least 16", len(payload)),
			Hint: "use aes-zero-pad",
		}
	}
	buf := slices.Concat(icvNoPad[:], payload)
	wrapRounds(block, buf)
	return buf, nil
}

func unwrapNoPad(block cipher.Block, wrapped []byte) ([]byte, error) {
	if len(wrapped)%semiblock != 0 || len(wrapped) < 3*semiblock {
		return nil, ErrUnwrap
	}
	buf := slices.Clone(wrapped)
	unwrapRounds(block, buf)
	if subtle.ConstantTimeCompare(buf[:semiblock], icvNoPad[:]) != 1 {
		clear(buf)
		return nil, ErrUnwrap
	}
	return buf[semiblock:], nil
}

func wrapZeroPad(block cipher.Block, payload []byte) ([]byte, error) {
	if len(payload) == 0 {
		return nil, &Error{Kind: ErrBadInput, Text: "aes-zero-pad cannot wrap nothing"}
	}
	padded := (len(payload) + semiblock - 1) / semiblock * semiblock
	buf := make([]byte, semiblock+padded)
	copy(buf, icvZeroPad[:])
	binary.BigEndian.PutUint32(buf[4:], uint32(len(payload)))
	copy(buf[semiblock:], payload)
	if padded == semiblock {
		block.Encrypt(buf, buf) // RFC 5649 §4.1: two semiblocks are one block
		return buf, nil
	}
	wrapRounds(block, buf)
	return buf, nil
}

func unwrapZeroPad(block cipher.Block, wrapped []byte) ([]byte, error) {
	if len(wrapped)%semiblock != 0 || len(wrapped) < 2*semiblock {
		return nil, ErrUnwrap
	}
	buf := slices.Clone(wrapped)
	if len(buf) == 2*semiblock {
		block.Decrypt(buf, buf)
	} else {
		unwrapRounds(block, buf)
	}
	length, ok := checkZeroPad(buf)
	if !ok {
		clear(buf)
		return nil, ErrUnwrap
	}
	return buf[semiblock : semiblock+length], nil
}

// checkZeroPad checks the marker, the length and the padding in a time that
// says nothing about which of them is wrong: an answer that did would be an
// oracle for the plaintext.
func checkZeroPad(buf []byte) (length int, ok bool) {
	padded := len(buf) - semiblock
	claimed := int(binary.BigEndian.Uint32(buf[4:semiblock])) & 0x7fffffff
	good := subtle.ConstantTimeCompare(buf[:4], icvZeroPad[:])
	good &= subtle.ConstantTimeByteEq(buf[4]>>7, 0)
	good &= subtle.ConstantTimeLessOrEq(padded-semiblock+1, claimed)
	good &= subtle.ConstantTimeLessOrEq(claimed, padded)
	var dirt byte
	for i := padded - semiblock; i < padded; i++ {
		pad := subtle.ConstantTimeLessOrEq(claimed, i)
		dirt |= byte(-pad) & buf[semiblock+i]
	}
	good &= subtle.ConstantTimeByteEq(dirt, 0)
	return claimed, good == 1
}

// wrapRounds is RFC 3394 §2.2.1 in place: buf is the integrity value and then
// the payload, at least two semiblocks of it.
func wrapRounds(block cipher.Block, buf []byte) {
	var b [aes.BlockSize]byte
	n := len(buf)/semiblock - 1
	copy(b[:], buf[:semiblock])
	for t := range rounds * n {
		r := buf[(t%n+1)*semiblock:][:semiblock]
		copy(b[semiblock:], r)
		block.Encrypt(b[:], b[:])
		copy(r, b[semiblock:])
		addCounter(b[:semiblock], t+1)
	}
	copy(buf, b[:semiblock])
}

// unwrapRounds is the same backwards, RFC 3394 §2.2.2.
func unwrapRounds(block cipher.Block, buf []byte) {
	var b [aes.BlockSize]byte
	n := len(buf)/semiblock - 1
	copy(b[:], buf[:semiblock])
	for t := rounds*n - 1; t >= 0; t-- {
		r := buf[(t%n+1)*semiblock:][:semiblock]
		addCounter(b[:semiblock], t+1)
		copy(b[semiblock:], r)
		block.Decrypt(b[:], b[:])
		copy(r, b[semiblock:])
	}
	copy(buf, b[:semiblock])
}

func addCounter(a []byte, t int) {
	binary.BigEndian.PutUint64(a, binary.BigEndian.Uint64(a)^uint64(t))
}
