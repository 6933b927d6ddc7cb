package commands

import (
	"context"
	"errors"
	"io"
	"os"

	"filehsm/hsmfile"
)

// fetch copies a backup's age file out of the vault and compares it with its
// manifest on the way: what is opened later is what was compared, and no slow
// vault keeps anybody waiting. The file has no name any more.
func (c *call) fetch(s *stored, dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "*"+ageSuffix)
	if err != nil {
		return nil, &hsmfile.Error{Text: "failed to copy the backup", Hint: "TMPDIR names another place", Err: err}
	}
	_ = os.Remove(f.Name())
	if err = c.compare(s, f); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// compare reads all of a backup's age file, holds it against the manifest,
// and writes it to copy.
func (c *call) compare(s *stored, copy io.Writer) error {
	_, err := within(c.ctx, c.vaultTimeout(), func(ctx context.Context) (struct{}, error) {
		r, err := s.open(ctx)
		if err != nil {
			return struct{}{}, err
		}
		defer r.Close()
		return struct{}{}, hsmfile.VerifyCiphertext(ctx, s.manifest, io.TeeReader(r, copy))
	})
	if errors.Is(err, errNoAnswer) {
		return s.place.refused(err)
	}
	return err
}
