package commands

import "filehsm/hsmfile"

func vaultNoun() noun {
	return noun{
		name:   "vault",
		usage:  "the places outside the image where its backups are",
		leaves: []leaf{vaultKeygenLeaf(), vaultAddLeaf(), vaultListLeaf(), vaultRemoveLeaf()},
	}
}

// vaultObject is a vault in JSON.
func vaultObject(x hsmfile.VaultInfo) object {
	o := object{{"name", x.Name}, {"location", x.Location}, {"id", x.ID}, {"recipients", x.Recipients}, {"last-backup", nil}}
	if b := x.LastBackup; b != nil {
		o[len(o)-1].value = object{{"id", b.ID}, {"created", stamp(b.Created)}, {"generation", b.Generation}}
	}
	return o
}
