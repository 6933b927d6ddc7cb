package hsmfile

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"

	"filehsm/hsmfile/internal/chain"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/store"
	"filehsm/hsmfile/internal/store/memstore"
)

// RestoreOptions say how a backup is opened and what it may be trusted by.
type RestoreOptions struct {
	Identity []byte // age identity file
	Trust    string // fingerprint, hex; needed where there is no image and the identity file has none
	Passed   []*Manifest
	VaultID  string // the vault that the backup came from, if it is known
}

// RestorePlan is a backup that was opened and verified in every part, and
// what it would do to the image at a path. Nothing is written yet.
type RestorePlan struct {
	path    string
	o       RestoreOptions
	image   Options
	m       *Manifest
	content *memstore.Store // the backup's records, all verified
	head    *record.Header
	state   chain.State // after the backup's head
	users   []string
	log     *chain.Log // chain that survives at path; nil if there is none
	report  RestoreReport
}

// ErrUntrusted is the ErrIntegrity of a backup that nothing here vouches for:
// there is no image, and no fingerprint was given.
var ErrUntrusted = fmt.Errorf("untrusted (%w)", ErrIntegrity)

// RestoreReport says what a restore brings, before it is done.
type RestoreReport struct {
	Backup    *Manifest
	Users     []string
	Newer     []string    // what the image had, or is known to exist, and the backup does not have
	ComesBack []string    // what had been removed and would be there again
	Elsewhere []VaultInfo // vaults that the image knows to have taken a newer backup, the newest first
}

// PlanRestore opens a backup and checks it: age file against the manifest,
// signatures from the fingerprint on, that it is of this image's own chain,
// and every record. Without a path it is a rehearsal. Errors: ErrState (the
// image is active, or the backup of a newer version), ErrIntegrity,
// ErrUntrusted, ErrNotFound (the identity opens nothing).
func PlanRestore(ctx context.Context, path string, m *Manifest, ciphertext io.Reader, ro RestoreOptions, o Options) (*RestorePlan, error) {
	p := &RestorePlan{path: path, o: ro, image: o, m: m, report: RestoreReport{Backup: m}}
	fingerprint, err := p.target(ctx)
	if err != nil {
		return nil, err
	}
	if err := p.read(ctx, ciphertext); err != nil {
		return nil, err
	}
	backup := &Image{path: "backup " + m.ID, store: p.content, warn: func(string) {}}
	err = backup.view(ctx, func(v *view) error { return p.verify(v, fingerprint) })
	if err != nil {
		return nil, err
	}
	return p, backup.view(ctx, func(v *view) error { return p.compare(ctx, v) })
}

// Report says what the restore brings.
func (p *RestorePlan) Report() RestoreReport { return p.report }

// target looks at what is at path: a zeroized image of the same serial, whose
// fingerprint is the one to trust, or nothing.
func (p *RestorePlan) target(ctx context.Context) (fingerprint string, err error) {
	if p.path == "" {
		return p.trusted(), nil
	}
	im, err := Open(ctx, p.path, p.image)
	if errors.Is(err, store.ErrNotExist) {
		return p.trusted(), nil
	}
	if err != nil {
		return "", err
	}
	return im.Info().Fingerprint, im.view(ctx, func(v *view) error {
		if err := v.needState(Zeroized); err != nil {
			return err
		}
		if err := v.sameImage(p.m); err != nil {
			return err
		}
		log, err := chain.Read(v.r, nil)
		if err != nil {
			return im.damaged("audit chain", err)
		}
		if !log.Wiped() {
			return im.damaged("header", errors.New("it says zeroized, and the audit chain does not"))
		}
		p.log = log
		return p.ofThisChain(log)
	})
}

// ofThisChain refuses a backup that is not of the chain that survived.
func (p *RestorePlan) ofThisChain(log *chain.Log) error {
	hash, _ := hex.DecodeString(p.m.HeadHash)
	if log.Has(p.m.HeadSequence, hash) {
		return nil
	}
	return refuse(ErrIntegrity, "take another backup (filehsm backup list), or restore this one at another path: --image NEW.hsm",
		"backup %s is not of this image's audit chain: it was made by a copy that went another way", p.m.ID)
}

func (p *RestorePlan) trusted() string {
	if p.o.Trust != "" {
		return strings.ToLower(p.o.Trust)
	}
	return FingerprintIn(p.o.Identity)
}

// read decrypts the backup into memory and compares it with the manifest.
// Nothing of it is believed, and nothing written, until all of it is verified.
func (p *RestorePlan) read(ctx context.Context, ciphertext io.Reader) error {
	identities, err := parseIdentity(p.o.Identity)
	if err != nil {
		return err
	}
	file := p.m.Ciphertext(&steady{r: contextReader{ctx, ciphertext}})
	wrong := p.decrypt(file, identities)
	// If the file is not the manifest's, that is what is wrong: a flipped bit in
	// its head looks like a file for another identity.
	if _, err := io.Copy(io.Discard, file); err != nil {
		return p.m.unread(err)
	}
	return wrong
}

// decrypt reads no further than it must: the caller reads the rest.
func (p *RestorePlan) decrypt(file io.Reader, identities []age.Identity) error {
	plain, err := age.Decrypt(bufio.NewReaderSize(file, fileBlock), identities...)
	if err != nil {
		return p.notOpened(err)
	}
	content := sha256.New()
	ahead := readAhead(plain)
	p.content, err = readIntoMemory(io.TeeReader(ahead, content))
	ahead.stop()
	if err != nil {
		return p.altered(err)
	}
	if hex.EncodeToString(content.Sum(nil)) != p.m.ContentHash {
		return p.altered(errors.New("the content is not the one that the manifest names"))
	}
	return nil
}

// fileBlock is how much of a backup's file is read at once.
const fileBlock = 1 << 20

// steady is a reader whose error stays: it is why the rest is missing.
type steady struct {
	r   io.Reader
	err error
}

func (s *steady) Read(b []byte) (n int, err error) {
	if s.err == nil {
		n, s.err = s.r.Read(b)
	}
	return n, s.err
}

// notOpened tells a wrong identity from a damaged file.
func (p *RestorePlan) notOpened(err error) error {
	var none *age.NoIdentityMatchError
	if !errors.As(err, &none) {
		return p.altered(err)
	}
	return refuse(ErrNotFound, "it was encrypted to "+shorten(strings.Join(p.m.Recipients, ", "))+"; give the identity file of one of these",
		"backup %s: the identity opens nothing", p.m.ID)
}

func (p *RestorePlan) altered(err error) error {
	if errors.Is(err, record.ErrFuture) {
		return refuse(ErrState, "use a newer filehsm with this backup", "backup %s was written by a newer version of filehsm", p.m.ID)
	}
	return &Error{Kind: ErrIntegrity, Text: "backup " + p.m.ID + " is truncated or altered", Hint: "take another backup, or the same from another vault: filehsm backup list", Err: err}
}

// contentLive is the number that the set has in memory; the header in the
// backup says another, which is of no use elsewhere.
const contentLive uint32 = 1

// readIntoMemory fills a store with a backup's content.
func readIntoMemory(plain io.Reader) (*memstore.Store, error) {
	live := record.SetPrefix(contentLive)
	return memstore.Filled(func(put func(key string, value []byte) error) error {
		return readContent(plain, func(key string, value []byte) error {
			if rest, ok := strings.CutPrefix(key, contentSet); ok {
				return put(live+rest, value)
			}
			if key != record.HeaderKey() && !strings.HasPrefix(key, record.EntryPrefix()) && !strings.HasPrefix(key, record.HeadPrefix()) {
				return record.ErrMalformed
			}
			return put(key, value)
		})
	})
}
