package commands

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"filehsm/hsmfile"
	"filehsm/vault/dir"
)

// vaultPatience is how long the status waits for all vaults together: at three
// in the morning the page has to come also where the server of a network drive
// is gone.
const vaultPatience = 2 * time.Second

// vaultAttention says which vaults a backup would not reach now, or would not
// protect, and which do not hold what they took. What is mounted is not in the
// image, so the domain cannot tell.
func (c *call) vaultAttention(st *hsmfile.Status) (all []string) {
	for _, p := range lookIntoVaults(c.ctx, st.Vaults) {
		if p.err != nil {
			all = append(all, withHint(p.err))
			continue
		}
		if p.lost() {
			all = append(all, p.lostBackup(st.State))
		}
		if same, err := dir.SameFilesystem(st.Path, p.info.Location); err == nil && same {
			all = append(all, fmt.Sprintf("vault %q is on the image's own file system: both would be lost together", p.info.Name))
		}
	}
	return all
}

// lost says that lookForLast found no backup of the last state that it took.
func (p *place) lost() bool {
	return p.err == nil && p.info.LastBackup != nil && p.held < p.info.LastBackup.Generation
}

func (p *place) lostBackup(at hsmfile.State) string {
	then := "filehsm backup create"
	if at == hsmfile.Zeroized {
		then = "filehsm backup list shows what there is"
	}
	return fmt.Sprintf("vault %q no longer holds the backup of %s: %s", p.info.Name, shown(p.info.LastBackup.Created), then)
}

// lookIntoVaults opens all vaults, and asks each for the last backup that the
// image knows it to have taken. It reads names only, and none of the vaults
// waits for another.
func lookIntoVaults(ctx context.Context, all []hsmfile.VaultInfo) []*place {
	until := time.Now().Add(vaultPatience)
	places := make([]*place, len(all))
	var wait sync.WaitGroup
	for i, info := range all {
		wait.Go(func() {
			places[i] = openPlace(ctx, info, vaultPatience)
			places[i].lookForLast(ctx, time.Until(until))
		})
	}
	wait.Wait()
	return places
}

// lookForLast sees of which backup both files are there: the last one that the
// vault took, or one that is older.
func (p *place) lookForLast(ctx context.Context, limit time.Duration) {
	if p.err != nil || p.info.LastBackup == nil {
		return
	}
	files, err := within(ctx, limit, p.vault.List)
	if err != nil {
		p.err = p.refused(err)
		return
	}
	there := map[string]bool{}
	for _, f := range files {
		there[f.Name] = true
	}
	last := p.info.LastBackup
	serial, _, _ := hsmfile.ParseBackupID(last.ID)
	for _, f := range files {
		id, isAge := strings.CutSuffix(f.Name, ageSuffix)
		of, generation, ok := hsmfile.BackupGeneration(id)
		if isAge && ok && there[id+manifestSuffix] && of == serial && generation <= last.Generation {
			p.held = max(p.held, generation)
		}
	}
}

// withHint is an error on one line, with what to do about it if that is known.
func withHint(err error) string {
	if hint := hsmfile.HintOf(err); hint != "" {
		return err.Error() + "; " + hint
	}
	return err.Error()
}
