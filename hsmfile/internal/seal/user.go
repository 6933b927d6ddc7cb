package seal

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/hpke"
	"crypto/sha256"
	"fmt"
	"sync"

	"filehsm/hsmfile/secret"
)

// Labels under a user secret (HKDF-SHA-256, RFC 5869, info). Each key has one
// purpose; a new purpose gets a new label, never an old key.
const (
	labelSealing = "filehsm/v1/sealing"
	labelIndex   = "filehsm/v1/blind-index"
	labelHPKE    = "filehsm/v1/hpke"
	labelSign    = "filehsm/v1/ed25519"
)

// UserKeys is everything derived from one user secret. Each key is made when
// first asked for: most commands need one or two of them.
type UserKeys struct {
	us *secret.Bytes

	once        struct{ seal, index, hpke, sign sync.Once }
	seal, index *secret.Bytes
	hpke        hpke.PrivateKey
	sign        ed25519.PrivateKey
}

// NewUserSecret returns a fresh US of KeySize bytes.
func NewUserSecret() *secret.Bytes { return NewKey() }

// KeysOf derives from us, which it keeps.
func KeysOf(us *secret.Bytes) (*UserKeys, error) {
	if us.Len() != KeySize {
		return nil, fmt.Errorf("seal: user secret of %d bytes, want %d", us.Len(), KeySize)
	}
	return &UserKeys{us: us}, nil
}

// Secret is the US itself, to be sealed under a KEK, a session key or a
// newer generation.
func (k *UserKeys) Secret() *secret.Bytes { return k.us }

// Wipe overwrites the secret and what was derived from it, as far as it is ours:
// the HPKE key is the library's. No key may be asked for after it.
func (k *UserKeys) Wipe() {
	k.us.Wipe()
	k.seal.Wipe()
	k.index.Wipe()
	clear(k.sign)
}

// Sealing is the AEAD key for what this user owns.
func (k *UserKeys) Sealing() *secret.Bytes {
	k.once.seal.Do(func() { k.seal = Derive(k.us, labelSealing, KeySize) })
	return k.seal
}

// Index is the key of BlindIndex for this user's labels.
func (k *UserKeys) Index() *secret.Bytes {
	k.once.index.Do(func() { k.index = Derive(k.us, labelIndex, KeySize) })
	return k.index
}

// Sign is an Ed25519 signature (RFC 8032) over what, in a domain of its own.
func (k *UserKeys) Sign(domain string, what []byte) []byte {
	return ed25519.Sign(k.signer(), signed(domain, what))
}

// Verifier is the public half of Sign, 32 bytes.
func (k *UserKeys) Verifier() []byte {
	return []byte(k.signer().Public().(ed25519.PublicKey))
}

func (k *UserKeys) signer() ed25519.PrivateKey {
	k.once.sign.Do(func() {
		seed := Derive(k.us, labelSign, ed25519.SeedSize)
		k.sign = ed25519.NewKeyFromSeed(seed.Reveal())
		seed.Wipe()
	})
	return k.sign
}

// VerifySignature checks a signature made by Sign.
func VerifySignature(verifier []byte, domain string, what, signature []byte) bool {
	return len(verifier) == ed25519.PublicKeySize && len(signature) == ed25519.SignatureSize &&
		ed25519.Verify(verifier, signed(domain, what), signature)
}

// signed puts the domain before the message with a zero byte between, so that
// a signature over one kind of record is none over another.
func signed(domain string, what []byte) []byte {
	return append(append([]byte("filehsm/v1/"+domain), 0), what...)
}

// Derive is HKDF-SHA-256 with an empty salt: from is uniformly random.
func Derive(from *secret.Bytes, label string, size int) *secret.Bytes {
	b, err := hkdf.Key(sha256.New, from.Reveal(), nil, label, size)
	if err != nil {
		panic("seal: " + err.Error()) // the sizes are constants of this program
	}
	return secret.New(b)
}

// BlindIndexSize is the size of a blind index, in bytes.
const BlindIndexSize = 16

// BlindIndex is HMAC-SHA-256(key, value) cut to 16 bytes: equal values of one
// owner can be looked up, and without the key nothing but equality shows.
func BlindIndex(key *secret.Bytes, value string) []byte {
	return MAC(key, []byte(value))[:BlindIndexSize]
}

// MAC is HMAC-SHA-256, 32 bytes.
func MAC(key *secret.Bytes, message []byte) []byte {
	m := hmac.New(sha256.New, key.Reveal())
	m.Write(message)
	return m.Sum(nil)
}
