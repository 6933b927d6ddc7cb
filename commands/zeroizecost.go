package commands

import (
	"fmt"

	"filehsm/hsmfile"
)

// A cost is what a zeroization costs, counted just before it.
type cost struct {
	*hsmfile.Status
	unsaved int      // keys that no vault was found to have
	unseen  []string // vaults that may have some of them, and could not be looked into
}

// costOf looks into the vaults: what the image remembers of them was true on
// the day of the backup. A vault that is away counts for nothing, and is named.
// Nothing here stops the zeroization; where the chain cannot be replayed, every
// key counts as unsaved.
func (c *call) costOf(im *hsmfile.Image, st *hsmfile.Status) cost {
	l := cost{Status: st, unsaved: st.KeyCount}
	var held []uint64
	for _, p := range lookIntoVaults(c.ctx, st.Vaults) {
		switch {
		case p.info.LastBackup == nil:
		case p.err != nil:
			l.unseen = append(l.unseen, p.info.Name)
		case p.held > 0:
			held = append(held, p.held)
		}
	}
	if n, err := im.KeysNotIn(c.ctx, held...); err == nil {
		l.unsaved = n
	}
	if l.unsaved == 0 {
		l.unseen = nil
	}
	return l
}

func (l cost) question() string {
	return fmt.Sprintf("this wipes %s, %s and all passwords, for ever; %s", l.Path, counted(l.KeyCount, "key"), l.inNoBackup("is", "are"))
}

// inNoBackup says how many keys nobody will bring back, as far as could be seen.
func (l cost) inNoBackup(is, are string) string {
	if l.unsaved == 1 {
		are = is
	}
	text := fmt.Sprintf("%d %s in no backup", l.unsaved, are)
	if len(l.unseen) > 0 {
		text += " that could be found: no look into " + inWords(l.unseen)
	}
	return text
}
