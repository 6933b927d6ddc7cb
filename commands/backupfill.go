package commands

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"sync"
	"time"

	"filehsm/hsmfile"
	"filehsm/vault"
)

// fill gives every vault its copy, all at once: a vault that hangs or fails
// costs nobody else the backup. It says who took it and who did not; each
// place keeps its error.
func fill(ctx context.Context, limit time.Duration, places []*place, spools []*spool) (took, failed []string) {
	var wait sync.WaitGroup
	for _, p := range places {
		if p.err != nil {
			continue
		}
		wait.Go(func() {
			_, err := within(ctx, limit, func(ctx context.Context) (struct{}, error) {
				return struct{}{}, p.take(ctx, spoolFor(spools, p))
			})
			if err != nil {
				p.err = p.refused(err)
			}
		})
	}
	wait.Wait()
	for _, p := range places {
		if p.err == nil {
			took = append(took, p.info.Name)
		} else {
			failed = append(failed, p.info.Name)
		}
	}
	return took, failed
}

// take puts one backup into the vault. What Put reads back is compared with the
// manifest before the manifest makes it a backup.
func (p *place) take(ctx context.Context, s *spool) error {
	f, err := os.Open(s.path)
	if err != nil {
		return err
	}
	defer f.Close()
	err = p.vault.Put(ctx, s.manifest.ID+ageSuffix, f, s.manifest.Sum())
	if err != nil {
		return err
	}
	text := s.manifest.Encode()
	err = p.vault.Put(ctx, s.manifest.ID+manifestSuffix, bytes.NewReader(text), sha256.Sum256(text))
	if err != nil {
		p.takeBack(context.WithoutCancel(ctx), s.manifest) // when the time is over, too
	}
	return err
}

// takeBack removes an age file that got no manifest, best effort: it is no
// backup, and would only take room. If the manifest may be there, it stays.
func (p *place) takeBack(ctx context.Context, m *hsmfile.Manifest) {
	r, err := p.vault.Open(ctx, m.ID+manifestSuffix)
	if err == nil {
		_ = r.Close()
	}
	if errors.Is(err, vault.ErrNotFound) {
		_ = p.vault.Remove(ctx, m.ID+ageSuffix)
	}
}
