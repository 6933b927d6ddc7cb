package commands

import (
	"context"
	"sync"

	"filehsm/hsmfile"
	"filehsm/vault/dir"
)

// mendRestoreTexts writes the text for people anew in the vaults that took a
// backup and have none any more: it may be all that somebody finds. One that is
// there is left alone, whatever it says. The backup is made, so what goes wrong
// here is a warning.
func (c *call) mendRestoreTexts(im *hsmfile.Image, places []*place) {
	failed := make([]error, len(places))
	var wait sync.WaitGroup
	for i, p := range places {
		if v, ok := p.vault.(*dir.Vault); ok && p.err == nil {
			text := hsmfile.RestoreText(im.Info(), p.info)
			wait.Go(func() {
				_, failed[i] = within(c.ctx, lookLimit, func(ctx context.Context) (struct{}, error) { return struct{}{}, mendRestoreText(ctx, v, text) })
			})
		}
	}
	wait.Wait()
	for i, err := range failed {
		if err != nil {
			c.Warn("the backup is in %s, but its RESTORE.txt could not be looked at or written: %v", places[i].what(), err)
		}
	}
}

func mendRestoreText(ctx context.Context, v *dir.Vault, text []byte) error {
	there, err := v.RestoreText(ctx)
	if err != nil || there != nil {
		return err
	}
	return v.SetRestoreText(ctx, text)
}
