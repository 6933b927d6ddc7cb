package commands

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"filehsm/hsmfile"
)

// A spool is one encrypted copy, for all vaults with the same recipients. The
// vaults are written from it, so that the image is held for a snapshot and
// not for as long as a slow disk takes.
type spool struct {
	path       string
	recipients []string
	manifest   *hsmfile.Manifest
}

// sameRecipients compares as sets: the order in which they were named says
// nothing.
func sameRecipients(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// spool encrypts one snapshot, once for each set of recipients.
func (c *call) spool(b *hsmfile.Backup, places []*place, dir string) ([]*spool, error) {
	var all []*spool
	for _, p := range places {
		if spoolFor(all, p) == nil {
			all = append(all, &spool{path: filepath.Join(dir, fmt.Sprint(len(all))+ageSuffix), recipients: p.info.Recipients})
		}
	}
	return all, c.writeSpools(b, all)
}

func spoolFor(all []*spool, p *place) *spool {
	for _, s := range all {
		if sameRecipients(s.recipients, p.info.Recipients) {
			return s
		}
	}
	return nil
}

func (c *call) writeSpools(b *hsmfile.Backup, all []*spool) error {
	var files []*os.File
	var targets []hsmfile.BackupTarget
	defer func() {
		for _, f := range files {
			_ = f.Close()
		}
	}()
	for _, s := range all {
		f, err := os.OpenFile(s.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return &hsmfile.Error{Text: "failed to write the encrypted backup", Err: err}
		}
		files = append(files, f)
		targets = append(targets, hsmfile.BackupTarget{Recipients: s.recipients, Writer: f})
	}
	manifests, err := b.Write(c.ctx, targets)
	if err != nil {
		return spoolError(all, err)
	}
	for i, m := range manifests {
		all[i].manifest = m
	}
	return nil
}

// spoolError: a full temporary disk is not a fault of the image that the
// error would name.
func spoolError(all []*spool, err error) error {
	var wrote *os.PathError
	if errors.As(err, &wrote) && strings.HasPrefix(wrote.Path, filepath.Dir(all[0].path)) {
		return &hsmfile.Error{Text: "failed to write the encrypted backup to a temporary file",
			Hint: "TMPDIR names a directory with more room", Err: wrote}
	}
	return err
}
