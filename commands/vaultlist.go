package commands

import (
	"errors"
	"fmt"

	"filehsm/hsmfile"
	"filehsm/vault"
)

func vaultListLeaf() leaf {
	return leaf{
		name:    "list",
		usage:   "list the image's vaults, their last backups, and whether they are there",
		example: "filehsm vault list",
		run:     vaultList,
	}
}

func vaultList(c *call) (*Result, error) {
	im, err := c.openImage()
	if err != nil {
		return nil, err
	}
	all, err := im.Vaults(c.ctx)
	if err != nil {
		return nil, err
	}
	vaults := []object{}
	table := grid{columns: []string{"name", "location", "state", "last backup", "recipients"},
		empty: "no vaults yet: filehsm vault add NAME DIR --recipient age1..."}
	for i, p := range openPlaces(c.ctx, all, lookLimit) {
		x := all[i]
		vaults = append(vaults, append(vaultObject(x), member{"state", p.state()}))
		table.rows = append(table.rows, []string{x.Name, x.Location, p.state(), lastBackup(x), fmt.Sprint(len(x.Recipients))})
	}
	return &Result{Data: object{{"vaults", vaults}}, View: table}, nil
}

// state is in a word what a look into the directory said.
func (p *place) state() string {
	switch {
	case p.err == nil:
		return "ready"
	case errors.Is(p.err, errNoAnswer):
		return "no answer"
	case errors.Is(p.err, vault.ErrNotMounted):
		return "not mounted"
	case errors.Is(p.err, vault.ErrOtherVault):
		return "another vault"
	}
	return "unreadable"
}

func lastBackup(x hsmfile.VaultInfo) string {
	if x.LastBackup == nil {
		return "none"
	}
	return shown(x.LastBackup.Created)
}
