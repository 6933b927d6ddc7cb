package hsmfile

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"regexp"
	"sync"
	"time"

	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/seal"
)

// manifestVersion is the version of manifest and backup content together.
const manifestVersion = 1

// maxManifest bounds a manifest in bytes: sixteen post-quantum recipients and
// room to spare.
const maxManifest = 64 << 10

// Manifest stands beside a backup in a vault: whose it is, of when, and what
// must be there. It is signed by the user who made the backup. Hashes and ids
// are hex.
type Manifest struct {
	Version      int      `json:"version"`
	ID           string   `json:"id"`
	Serial       string   `json:"serial"`
	ImageID      string   `json:"image-id"`
	Fingerprint  string   `json:"fingerprint"`
	Mode         string   `json:"mode"`
	Created      string   `json:"created"` // RFC 3339, UTC, milliseconds
	RosterEpoch  uint64   `json:"roster-epoch"`
	Generation   uint64   `json:"generation"`
	KeyCount     int      `json:"key-count"`
	UserCount    int      `json:"user-count"`
	HeadSequence uint64   `json:"head-sequence"` // newest audit entry in the backup
	HeadHash     string   `json:"head-hash"`
	ContentHash  string   `json:"content-sha256"` // of what is inside the age file
	Size         int64    `json:"size"`           // of the age file, bytes
	SHA256       string   `json:"sha256"`         // of the age file
	Recipients   []string `json:"recipients"`
	Signer       Signer   `json:"signer"`
	Signature    string   `json:"signature"` // Ed25519, over the manifest with this field empty
}

// Signer is the user who made a backup, and with which of his keys.
type Signer struct {
	Username   string `json:"username"`
	Role       string `json:"role"`
	UserID     string `json:"user-id"`
	Generation uint32 `json:"generation"`
	PublicKey  string `json:"public-key"` // Ed25519
}

const manifestTime = "2006-01-02T15:04:05.000Z"

// Encode is the manifest's file. ParseManifest takes exactly this.
func (m *Manifest) Encode() []byte {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		panic("hsmfile: " + err.Error()) // strings and numbers encode
	}
	return append(b, '\n')
}

// ParseManifest reads a manifest. ErrIntegrity if it is none or was edited in
// form, ErrState if a newer version wrote it. The signature is not checked.
func ParseManifest(b []byte) (*Manifest, error) {
	malformed := refuse(ErrIntegrity, "take another backup: filehsm backup list", "malformed manifest")
	if len(b) > maxManifest {
		return nil, malformed
	}
	var probe struct {
		Version int `json:"version"`
	}
	if json.Unmarshal(b, &probe) == nil && probe.Version > manifestVersion {
		return nil, refuse(ErrState, "use a newer filehsm with this backup", "the backup was written by a newer version of filehsm")
	}
	m := new(Manifest)
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(m); err != nil || !bytes.Equal(m.Encode(), b) || m.check() != nil {
		return nil, malformed
	}
	return m, nil
}

// check bounds the fields that others rely on.
func (m *Manifest) check() error {
	created, err := time.Parse(manifestTime, m.Created)
	if err != nil || m.Version != manifestVersion || m.ID != backupID(m.Serial, m.Generation, created) || m.Size < 0 {
		return record.ErrMalformed
	}
	for _, h := range []struct {
		text string
		size int
	}{
		{m.ImageID, record.ImageIDSize}, {m.Fingerprint, sha256.Size}, {m.HeadHash, sha256.Size}, {m.ContentHash, sha256.Size}, {m.SHA256, sha256.Size},
		{m.Signer.UserID, record.UserIDSize}, {m.Signer.PublicKey, ed25519.PublicKeySize}, {m.Signature, ed25519.SignatureSize},
	} {
		if b, err := hex.DecodeString(h.text); err != nil || len(b) != h.size || hex.EncodeToString(b) != h.text {
			return record.ErrMalformed // there is one way to write it
		}
	}
	for _, r := range m.Serial {
		if r < '0' || r > '9' {
			return record.ErrMalformed
		}
	}
	return nil
}

// backupID is SERIAL-GENERATION-UTC; the files are ID.age and ID.json.
func backupID(serial string, generation uint64, created time.Time) string {
	return fmt.Sprintf("%s-%d-%s%03dZ", serial, generation, created.Format("20060102T150405"), created.Nanosecond()/1e6)
}

// backupName takes a backup's id apart. It is made when it is first used, which
// in most commands is never.
var backupName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([0-9]+)-[0-9]+-([0-9]{8}T[0-9]{6})([0-9]{3})Z$`)
})

// ParseBackupID says from its name alone of which HSM and of when a backup is,
// for one whose manifest cannot be read.
func ParseBackupID(id string) (serial string, created time.Time, ok bool) {
	part := backupName().FindStringSubmatch(id)
	if part == nil {
		return "", time.Time{}, false
	}
	created, err := time.Parse("20060102T150405.000", part[2]+"."+part[3])
	return part[1], created, err == nil
}

// Time is when the backup was made.
func (m *Manifest) Time() time.Time {
	t, _ := time.Parse(manifestTime, m.Created) // check saw to it
	return t
}

// signed is what Signature is over.
func (m Manifest) signed() []byte {
	m.Signature = ""
	return m.Encode()
}

func (m *Manifest) sign(s *Session) {
	m.Signer = Signer{Username: s.name, Role: s.Role().String(), UserID: hex.EncodeToString(s.user.ID),
		Generation: s.login.Gen, PublicKey: hex.EncodeToString(s.keys.Verifier())}
	m.Signature = hex.EncodeToString(s.keys.Sign(signManifest, m.signed()))
}

// verifies says whether the signature is of the public key that it names.
func (m *Manifest) verifies() bool {
	key, err1 := hex.DecodeString(m.Signer.PublicKey)
	sig, err2 := hex.DecodeString(m.Signature)
	return err1 == nil && err2 == nil && seal.VerifySignature(key, signManifest, m.signed(), sig)
}

// VerifyManifests checks that each manifest is of this image, and signed with a
// key that the chain says one of its officers or appliance users had. found has
// nil for one that is, else ErrIntegrity; ErrUnknownSigner as well if all that
// is wrong is that the image does not know the key. The chain is read once for
// a year of them; err means that it could not look.
func (im *Image) VerifyManifests(ctx context.Context, all []*Manifest) (found []error, err error) {
	err = im.view(ctx, func(v *view) error {
		log, err := v.wholeLog()
		if err != nil {
			return err
		}
		for _, m := range all {
			why, err := v.verifyManifest(log, m)
			if err != nil {
				return err
			}
			found = append(found, why)
		}
		return nil
	})
	return found, err
}

// Sum is the SHA-256 of the age file.
func (m *Manifest) Sum() (sum [sha256.Size]byte) {
	_, _ = hex.Decode(sum[:], []byte(m.SHA256)) // check saw to it
	return sum
}

// VerifyCiphertext compares what r holds with the manifest: size and SHA-256.
// ErrIntegrity if it differs.
func VerifyCiphertext(ctx context.Context, m *Manifest, r io.Reader) error {
	ahead := readAhead(contextReader{ctx, r})
	_, err := io.Copy(io.Discard, m.Ciphertext(ahead))
	ahead.stop()
	return m.unread(err)
}

// unread tells a failed read from a refusal, which says all itself.
func (m *Manifest) unread(err error) error {
	var refusal *Error
	if err == nil || errors.As(err, &refusal) {
		return err
	}
	if errors.Is(err, context.Canceled) {
		return &Error{Kind: context.Canceled, Text: "backup " + m.ID + ": interrupted"}
	}
	return &Error{Text: "failed to read backup " + m.ID, Err: err}
}

// Ciphertext gives what r holds, and in place of its end ErrIntegrity if that
// is not the age file that the manifest names: who copies from it to the end
// has copied the right one.
func (m *Manifest) Ciphertext(r io.Reader) io.Reader {
	return &ciphertext{m: m, r: r, sum: sha256.New()}
}

type ciphertext struct {
	m   *Manifest
	r   io.Reader
	n   int64
	sum hash.Hash
}

func (c *ciphertext) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	c.sum.Write(p[:n])
	if c.n > c.m.Size || errors.Is(err, io.EOF) && (c.n != c.m.Size || hex.EncodeToString(c.sum.Sum(nil)) != c.m.SHA256) {
		return 0, refuse(ErrIntegrity, "take another backup, or the same from another vault: filehsm backup list", "backup %s: the age file is truncated or altered", c.m.ID)
	}
	return n, err
}

// contextReader ends a long read when its context ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

var errTruncated = errors.New("it ends in the middle")
