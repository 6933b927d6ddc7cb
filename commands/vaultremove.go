package commands

import (
	"fmt"
	"slices"

	"filehsm/hsmfile"
)

func vaultRemoveLeaf() leaf {
	return leaf{
		name:    "remove",
		usage:   "send no more backups to a vault; what lies there stays",
		args:    "NAME",
		example: "filehsm vault remove usb",
		run:     vaultRemove,
	}
}

func vaultRemove(c *call) (*Result, error) {
	im, err := c.openImage()
	if err != nil {
		return nil, err
	}
	all, err := im.Vaults(c.ctx)
	if err != nil {
		return nil, err
	}
	name := c.Arg(0)
	at := slices.IndexFunc(all, func(x hsmfile.VaultInfo) bool { return x.Name == name })
	if at < 0 {
		return nil, noVault(im, name, all)
	}
	s, err := c.actOn(im, "")
	if err != nil {
		return nil, err
	}
	if err := s.RemoveVault(c.ctx, name); err != nil {
		return nil, err
	}
	if len(all) == 1 {
		c.Warn("%s: this was the last vault; no backup can be made until there is another one", im.Path())
	}
	return &Result{
		Data: object{{"image", im.Path()}, {"name", name}, {"location", all[at].Location}},
		View: note(fmt.Sprintf("%s: vault %q is removed; its backups stay in %s", im.Path(), name, all[at].Location)),
	}, nil
}
