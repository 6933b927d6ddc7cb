package seal

import (
	"errors"

	"golang.org/x/crypto/argon2"

	"filehsm/hsmfile/secret"
)

// Argon2id (RFC 9106) is the algorithm of a KDF record. Stored; a further
// algorithm gets the next number and a row in Check and Derive.
const Argon2id = 1

// KDF is how one user's KEK is made from the password. It is stored beside
// the sealed user secret and comes back from an untrusted file, so Derive
// checks its bounds before it spends time or memory.
type KDF struct {
	_         struct{} `cbor:",toarray"`
	Algorithm uint8
	Memory    uint32 // KiB
	Time      uint32 // passes
	Threads   uint8
	Salt      []byte // 16 bytes
}

const saltSize = 16

// ErrKDF: the stored parameters are outside what we ever write.
var ErrKDF = errors.New("malformed key derivation parameters")

// cost is what a new password costs. It is a variable for TestMain alone (by
// way of package hsmtest): nothing in the product sets it.
var cost = KDF{Algorithm: Argon2id, Memory: 64 * 1024, Time: 3, Threads: 4}

// UseCheapKDF makes new passwords cheap to try. For tests only; package
// hsmtest is its one caller, and the product does not link that package.
func UseCheapKDF() { cost = KDF{Algorithm: Argon2id, Memory: 64, Time: 1, Threads: 1} }

// NewKDF returns today's parameters with a fresh salt.
func NewKDF() KDF {
	k := cost
	k.Salt = Random(saltSize)
	return k
}

// Derive makes the KEK, KeySize bytes, from a password. Parameters beyond
// 1 GiB, 16 passes or 64 threads are refused: a forged record must not be
// able to stop a machine. The dearest one allowed costs 85 of today's, and
// more could not be written later without every program of today refusing it.
func (k KDF) Derive(password *secret.Bytes) (*secret.Bytes, error) {
	if err := k.Check(); err != nil {
		return nil, err
	}
	return secret.New(argon2.IDKey(password.Reveal(), k.Salt, k.Time, k.Memory, k.Threads, KeySize)), nil
}

// Check says whether the parameters are ones that Derive accepts.
func (k KDF) Check() error {
	ok := k.Algorithm == Argon2id && len(k.Salt) == saltSize &&
		k.Threads >= 1 && k.Threads <= 64 &&
		k.Time >= 1 && k.Time <= 16 &&
		k.Memory >= 8*uint32(k.Threads) && k.Memory <= 1<<20
	if !ok {
		return ErrKDF
	}
	return nil
}
