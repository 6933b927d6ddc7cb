package hsmfile

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"strings"

	"filehsm/hsmfile/internal/chain"
	"filehsm/hsmfile/internal/record"
)

// KeysNotIn counts the key objects that none of the backups of these generations
// holds as they are now. Needs no login. It replays the chain: what a restore
// brought back is in the backup that it came from, and need not be in a newer one.
func (im *Image) KeysNotIn(ctx context.Context, generations ...uint64) (n int, err error) {
	err = im.view(ctx, func(v *view) error {
		log, err := v.wholeLog()
		if err != nil {
			return err
		}
		var held []chain.State
		for _, generation := range generations {
			then, err := log.State(generation)
			if err != nil {
				return v.im.damaged("audit chain", err)
			}
			held = append(held, then)
		}
		now, err := log.State(log.Last().Sequence)
		if err != nil {
			return v.im.damaged("audit chain", err)
		}
		n = 0
		for _, p := range now {
			name := record.Name(p.Name)
			in := func(then chain.State) bool { return bytes.Equal(p.Hash, then.Hash(name)) }
			if name.Kind().KeyObject() && !slices.ContainsFunc(held, in) {
				n++
			}
		}
		return nil
	})
	return n, err
}

// BackupGeneration says which state of an image the backup with this id is of.
func BackupGeneration(id string) (serial string, generation uint64, ok bool) {
	serial, _, ok = ParseBackupID(id)
	if !ok {
		return "", 0, false
	}
	generation, err := strconv.ParseUint(strings.Split(id, "-")[1], 10, 64)
	return serial, generation, err == nil
}
