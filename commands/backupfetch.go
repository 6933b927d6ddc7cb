package commands

import (
	"context"
	"errors"
	"io"
	"time"

	"filehsm/hsmfile"
)

// compare reads all of a backup's age file and holds it against the manifest.
func (c *call) compare(s *stored) error {
	_, err := inVault(c.ctx, c.vaultTimeout(), s, func(ctx context.Context, file io.Reader) (struct{}, error) {
		return struct{}{}, hsmfile.VerifyCiphertext(ctx, s.manifest, file)
	})
	return err
}

// planRestore opens a backup and checks all that is in it; path is where it
// would go, and may be empty. Nothing is written, also not beside the vault:
// the backup is decrypted as it is read.
func (c *call) planRestore(s *stored, path string, o hsmfile.RestoreOptions) (*hsmfile.RestorePlan, error) {
	return inVault(c.ctx, c.vaultTimeout(), s, func(ctx context.Context, file io.Reader) (*hsmfile.RestorePlan, error) {
		return hsmfile.PlanRestore(ctx, path, s.manifest, file, o, c.imageOptions())
	})
}

// inVault reads a backup's age file where it lies, for no longer than limit.
func inVault[T any](ctx context.Context, limit time.Duration, s *stored, read func(context.Context, io.Reader) (T, error)) (T, error) {
	v, err := within(ctx, limit, func(ctx context.Context) (none T, err error) {
		r, err := s.open(ctx)
		if err != nil {
			return none, err
		}
		defer r.Close()
		return read(ctx, r)
	})
	if errors.Is(err, errNoAnswer) {
		err = s.place.refused(err)
	}
	return v, err
}
