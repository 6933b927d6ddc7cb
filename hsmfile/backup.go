package hsmfile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"filehsm/hsmfile/internal/chain"
	"filehsm/hsmfile/internal/record"
)

// Backup is one backup being made: BeginBackup, Write, and when the vaults
// have it, FinishBackup.
type Backup struct {
	s         *Session
	manifests []*Manifest
}

// BackupTarget is one age file to be written: for whom, and where to.
type BackupTarget struct {
	Recipients []string
	Writer     io.Writer
}

// BeginBackup enters the backup in the audit chain and signs its head, so that
// what the backup holds is signed by who made it. CO or AU.
func (s *Session) BeginBackup(ctx context.Context) (*Backup, error) {
	err := s.write(ctx, opBackup, func(c *change) error {
		if err := c.record(s.entry(c, opBackup)); err != nil {
			return err
		}
		return c.signHead(s.author())
	})
	if err != nil {
		return nil, err
	}
	return &Backup{s: s}, nil
}

// Write encrypts one consistent snapshot of all records, once for each set of
// recipients, and returns a signed manifest for each target. The records are
// compared with the chain as they are written: what is damaged is not backed
// up over what is whole. So until Write returns, what the targets got is worth
// nothing.
func (b *Backup) Write(ctx context.Context, targets []BackupTarget) ([]*Manifest, error) {
	b.manifests = nil
	err := b.s.read(ctx, opBackup, func(v *view) error {
		m, err := v.manifestOf(b.s.roster)
		if err != nil {
			return err
		}
		return b.encrypt(ctx, v, m, targets)
	})
	return b.manifests, err
}

// manifestOf is what the manifests of one snapshot have in common.
func (v *view) manifestOf(r *roster) (*Manifest, error) {
	head, err := chain.Last(v.r)
	if err != nil || head.Entry == nil {
		return nil, v.im.damaged("audit chain", err)
	}
	i, created := v.info(), time.UnixMilli(max(now().UnixMilli(), head.Time)).UTC() // a clock set back must not make a newer backup look older
	return &Manifest{
		Version: manifestVersion, ID: backupID(i.Serial, head.Generation, created), Serial: i.Serial, ImageID: i.ID,
		Fingerprint: i.Fingerprint, Mode: i.Mode, Created: created.Format(manifestTime), RosterEpoch: r.Epoch,
		Generation: head.Generation, KeyCount: int(head.KeyCount), UserCount: len(r.Users),
		HeadSequence: head.Sequence, HeadHash: hex.EncodeToString(head.Hash),
	}, nil
}

// sink is one target being written: what age writes is counted and hashed.
type sink struct {
	target BackupTarget
	n      int64
	sum    hash.Hash
	age    io.WriteCloser
}

func (t *sink) Write(p []byte) (int, error) {
	n, err := t.target.Writer.Write(p)
	t.n += int64(n)
	t.sum.Write(p[:n])
	return n, err
}

// encrypt streams the content to every target at once.
func (b *Backup) encrypt(ctx context.Context, v *view, common *Manifest, targets []BackupTarget) error {
	content := sha256.New()
	sinks, err := openSinks(targets)
	if err != nil {
		return err
	}
	writers := []io.Writer{contextWriter{ctx}}
	for _, t := range sinks {
		writers = append(writers, t.age)
	}
	if err := v.writeContent(content, io.MultiWriter(writers...)); err != nil {
		return err
	}
	for _, t := range sinks {
		if err := t.age.Close(); err != nil {
			return err
		}
		m := *common
		m.Recipients, m.Size, m.SHA256 = t.target.Recipients, t.n, hex.EncodeToString(t.sum.Sum(nil))
		m.ContentHash = hex.EncodeToString(content.Sum(nil))
		m.sign(b.s)
		b.manifests = append(b.manifests, &m)
	}
	return nil
}

func openSinks(targets []BackupTarget) (sinks []*sink, err error) {
	for _, target := range targets {
		recipients, err := parseRecipients(target.Recipients)
		if err != nil {
			return nil, err
		}
		t := &sink{target: target, sum: sha256.New()}
		if t.age, err = age.Encrypt(t, recipients...); err != nil {
			return nil, &Error{Text: "failed to encrypt", Err: err}
		}
		sinks = append(sinks, t)
	}
	return sinks, nil
}

// contextWriter ends a long write when its context ends.
type contextWriter struct{ ctx context.Context }

func (c contextWriter) Write(p []byte) (int, error) { return len(p), c.ctx.Err() }

// FinishBackup enters which vaults took the backup and which did not, and
// remembers it as their newest.
func (s *Session) FinishBackup(ctx context.Context, b *Backup, took, failed []string) error {
	return s.write(ctx, opBackup, func(c *change) error {
		if len(b.manifests) == 0 {
			panic("hsmfile: FinishBackup before Write")
		}
		m := b.manifests[0]
		mark := record.Encode(&record.BackupMark{ID: m.ID, Created: m.Time().UnixMilli(), Generation: m.Generation})
		for _, name := range took {
			if x := s.roster.VaultByName(name); x != nil {
				if err := c.w.Put(record.BackupMarkKey(x.ID), mark); err != nil {
					return err
				}
			}
		}
		e := s.entryAs(c, chain.BackupEnd)
		e.Subject = m.ID
		if len(failed) > 0 {
			e.Result = "INCOMPLETE: not taken by " + strings.Join(failed, ", ")
		}
		return c.record(e)
	})
}

// OfRestoreText says whether a RESTORE.txt is one of this image's vaults'.
func (i Info) OfRestoreText(text []byte) bool {
	about, _, _ := strings.Cut(string(text), "recipients\n")
	words := strings.Fields(about)
	return slices.Contains(words, i.Serial) && slices.Contains(words, i.Fingerprint)
}

// RestoreText is the RESTORE.txt of a vault: everything that somebody needs
// who finds the disk and nothing else.
func RestoreText(i Info, x VaultInfo) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `This directory is a vault of a filehsm image: it holds its backups.

serial       %s
label        %s
fingerprint  %s
vault        %s (id %s)
recipients
`, i.Serial, i.Label, i.Fingerprint, x.Name, x.ID)
	for _, r := range x.Recipients {
		fmt.Fprintf(&b, "    %s\n", r)
	}
	fmt.Fprintf(&b, `
Each backup is two files: NAME.age, the encrypted image, and NAME.json, a
signed manifest. To restore the newest one, with the age identity (the file
that begins with AGE-SECRET-KEY) that belongs to one of the recipients:

    filehsm backup restore --image restored.hsm --from THIS-DIRECTORY --identity key.txt

An identity that filehsm made carries the fingerprint to trust; with another,
add --trust and the fingerprint that you wrote down when the HSM was activated.
Do not take it from this file: whoever can write here could have written it.

The users and passwords are those of the day of the backup: the keys inside
are sealed under the users' own passwords as well, and without one of these
they stay sealed.

The same with stock age, to look at the bytes (hsmfile/FORMAT.md in filehsm's
source describes them):

    age -d -i key.txt NAME.age > content
`)
	return []byte(b.String())
}
