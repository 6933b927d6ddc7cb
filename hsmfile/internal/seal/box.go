package seal

import (
	"crypto/hpke"
	"fmt"

	"filehsm/hsmfile/secret"
)

// Box is bytes sealed to a public key: HPKE (RFC 9180) in base mode,
// MLKEM768-X25519 with HKDF-SHA-256, export-only. HPKE gives only the key;
// the bytes are sealed by the one AEAD, so that a box is bound to its place
// like everything else and works under an enforcing FIPS 140-3 module, where
// hpke.Seal does not.
type Box struct {
	_      struct{} `cbor:",toarray"`
	KEM    uint16   // HPKE KEM id, so that a later suite can stand beside this one
	Enc    []byte   // encapsulated key
	Sealed []byte   // AEAD ciphertext
}

// KEM is the HPKE KEM id of every key pair made today.
func KEM() uint16 { return hpke.MLKEM768X25519().ID() }

const exporter = "filehsm/v1/box"

// BoxKey is the public key that others seal to, 1,216 bytes.
func (k *UserKeys) BoxKey() ([]byte, error) {
	private, err := k.opener()
	if err != nil {
		return nil, err
	}
	return private.PublicKey().Bytes(), nil
}

func (k *UserKeys) opener() (hpke.PrivateKey, error) {
	var err error
	k.once.hpke.Do(func() {
		k.hpke, err = hpke.MLKEM768X25519().DeriveKeyPair(Derive(k.us, labelHPKE, 32).Reveal())
	})
	if err != nil || k.hpke == nil {
		return nil, fmt.Errorf("failed to derive a key pair: %w", err)
	}
	return k.hpke, nil
}

// SealTo seals plain for the holder of the public key, for one place.
func SealTo(kem uint16, boxKey []byte, at Place, plain []byte) (Box, error) {
	suite, err := suiteOf(kem)
	if err != nil {
		return Box{}, err
	}
	public, err := suite.NewPublicKey(boxKey)
	if err != nil {
		return Box{}, fmt.Errorf("malformed public key: %w", err)
	}
	enc, sender, err := hpke.NewSender(public, hpke.HKDFSHA256(), hpke.ExportOnly(), at.bytes())
	if err != nil {
		return Box{}, fmt.Errorf("failed to encapsulate: %w", err)
	}
	key, err := sender.Export(exporter, KeySize)
	if err != nil {
		return Box{}, fmt.Errorf("failed to export a key: %w", err)
	}
	sealed, err := Seal(secret.New(key), at, plain)
	return Box{KEM: kem, Enc: enc, Sealed: sealed}, err
}

// OpenBox is the inverse of SealTo; anything wrong is ErrOpen.
func (k *UserKeys) OpenBox(at Place, b Box) ([]byte, error) {
	if _, err := suiteOf(b.KEM); err != nil {
		return nil, err
	}
	private, err := k.opener()
	if err != nil {
		return nil, err
	}
	recipient, err := hpke.NewRecipient(b.Enc, private, hpke.HKDFSHA256(), hpke.ExportOnly(), at.bytes())
	if err != nil {
		return nil, ErrOpen
	}
	key, err := recipient.Export(exporter, KeySize)
	if err != nil {
		return nil, ErrOpen
	}
	return Open(secret.New(key), at, b.Sealed)
}

func suiteOf(kem uint16) (hpke.KEM, error) {
	if kem != KEM() {
		return nil, fmt.Errorf("unknown KEM id %#04x", kem)
	}
	return hpke.MLKEM768X25519(), nil
}
