package commands

import (
	"time"

	"filehsm/hsmfile"
)

func backupNoun() noun {
	return noun{
		name:   "backup",
		usage:  "encrypted, signed and verified copies of the image",
		leaves: []leaf{backupCreateLeaf(), backupListLeaf(), backupVerifyLeaf(), backupRestoreLeaf()},
	}
}

// vaultTimeout bounds the work on one backup in one vault.
func (c *call) vaultTimeout() time.Duration { return c.PeriodOr("vault-timeout", 5*time.Minute) }

func vaultTimeoutFlag() flag {
	return periodFlag("vault-timeout", "give up on a vault that takes longer than this, default 5m")
}

// sources are the vaults that --vault or --from name, or else all of the
// image, which is nil where only --from is given and there is none.
func (c *call) sources() (*hsmfile.Image, []*place, error) {
	if c.Given("from") && c.Given("vault") {
		return nil, nil, usageError("--from is for a directory, --vault for a vault that the image knows", "give --vault or --from, not both")
	}
	im, err := c.openImage()
	if c.Given("from") {
		if err != nil && !missing(err) {
			return nil, nil, err
		}
		p := openPlace(c.ctx, hsmfile.VaultInfo{Location: c.Text("from")}, lookLimit)
		return im, []*place{p}, p.err
	}
	if err != nil {
		return nil, nil, err
	}
	infos, err := c.vaultsOf(im)
	if err != nil {
		return nil, nil, err
	}
	return im, openPlaces(c.ctx, infos, lookLimit), nil
}

// unreachable is the error of places that could not be read: one that the
// line names, or all of them. Others are told as a warning.
func (c *call) unreachable(places []*place) (first error) {
	n := 0
	for _, p := range places {
		if p.err == nil {
			continue
		}
		if n++; first == nil {
			first = p.err
		}
	}
	if n == len(places) || c.Given("vault") {
		return first
	}
	for _, p := range places {
		if p.err != nil {
			c.Warn("%v", p.err)
		}
	}
	return nil
}
