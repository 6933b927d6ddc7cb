package commands

import (
	"fmt"
	"time"

	"filehsm/hsmfile"
	"filehsm/vault/dir"
)

// vaultPatience is how long the status waits for all vaults together: at three
// in the morning the page has to come also where the server of a network drive
// is gone.
const vaultPatience = time.Second

// vaultAttention says which vaults a backup would not reach now, or would not
// protect. What is mounted is not in the image, so the domain cannot tell.
func (c *call) vaultAttention(st *hsmfile.Status) (all []string) {
	for _, p := range openPlaces(c.ctx, st.Vaults, vaultPatience) {
		if p.err != nil {
			all = append(all, p.err.Error()+"; "+hsmfile.HintOf(p.err))
			continue
		}
		if same, err := dir.SameFilesystem(st.Path, p.info.Location); err == nil && same {
			all = append(all, fmt.Sprintf("vault %q is on the image's own file system: both would be lost together", p.info.Name))
		}
	}
	return all
}
