package hsmfile

import (
	"bytes"
	"context"
	"strconv"
	"strings"

	"filehsm/hsmfile/internal/record"
)

// KeysNotIn counts the key objects that a backup of this generation does not
// hold as they are now: for a backup that is not the newest, because that one
// is in no vault any more. Needs no login. It replays the chain, because what a
// restore brought back is in the backup that it came from, and in no older one.
func (im *Image) KeysNotIn(ctx context.Context, generation uint64) (n int, err error) {
	err = im.view(ctx, func(v *view) error {
		log, err := v.wholeLog()
		if err != nil {
			return err
		}
		then, err := log.State(generation)
		if err != nil {
			return v.im.damaged("audit chain", err)
		}
		now, err := log.State(log.Last().Sequence)
		if err != nil {
			return v.im.damaged("audit chain", err)
		}
		n = 0
		for _, p := range now {
			if name := record.Name(p.Name); name.Kind().KeyObject() && !bytes.Equal(p.Hash, then.Hash(name)) {
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
