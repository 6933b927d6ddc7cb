package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"filehsm/hsmfile"
)

// compare reads all of a backup's age file and holds it against the manifest.
func (c *call) compare(s *stored) error {
	_, err := inVault(c.ctx, c.vaultTimeout(), s, func(file io.Reader) (struct{}, error) {
		return struct{}{}, hsmfile.VerifyCiphertext(c.ctx, s.manifest, file)
	})
	return err
}

// planRestore opens a backup and checks all that is in it; path is where it
// would go, and may be empty. Nothing is written, also not beside the vault:
// the backup is decrypted as it is read.
func (c *call) planRestore(s *stored, path string, o hsmfile.RestoreOptions) (*hsmfile.RestorePlan, error) {
	return inVault(c.ctx, c.vaultTimeout(), s, func(file io.Reader) (*hsmfile.RestorePlan, error) {
		return hsmfile.PlanRestore(c.ctx, path, s.manifest, file, o, c.imageOptions())
	})
}

// inVault reads a backup's age file where it lies. Reading it ends after limit,
// whatever the vault does; what else read does may take as long as it takes.
func inVault[T any](ctx context.Context, limit time.Duration, s *stored, read func(io.Reader) (T, error)) (v T, err error) {
	late := fmt.Errorf("%w within %s", errNoAnswer, limit)
	reading, cancel := context.WithTimeoutCause(ctx, limit, late)
	defer cancel()
	r, err := s.open(reading)
	if err != nil {
		return v, err
	}
	defer r.Close()
	v, err = read(r)
	if errors.Is(err, errNoAnswer) || errors.Is(err, context.DeadlineExceeded) {
		err = s.place.refused(late)
	}
	return v, err
}
