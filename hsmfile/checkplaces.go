package hsmfile

import (
	"fmt"
	"slices"
	"strings"

	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/store"
)

// checkPlaces finds records that lie where this version has none. Nothing reads
// them; but they are not ours, and image check is to say what is in the file.
func (v *view) checkPlaces(add func(what, problem string)) error {
	known, err := v.places()
	if err != nil {
		return err
	}
	for at := ""; ; {
		next := ""
		err := v.r.Scan("", at, func(key string, _ []byte) error {
			next = key
			return store.ErrStop
		})
		if err != nil || next == "" {
			return err
		}
		i := slices.IndexFunc(known, func(prefix string) bool { return strings.HasPrefix(next, prefix) })
		switch {
		case next == record.HeaderKey():
			at = next
		case i >= 0: // on behind all that begin so
			at = known[i] + strings.Repeat("\xff", store.MaxKey)
		default:
			add(fmt.Sprintf("record %x", next), "it lies where this version has no records")
			at = next
		}
	}
}

// places are the prefixes of all records but the header. A set that is not live
// is one only as long as it waits to be deleted.
func (v *view) places() ([]string, error) {
	sets := record.SetPrefix(v.h.Set)
	waits, err := v.r.Get(record.MarkKey(record.MarkSet))
	if err == nil && waits != nil {
		sets = record.AllSets()
	}
	return []string{record.EntryPrefix(), record.HeadPrefix(), sets, record.CounterPrefix(), record.SessionPrefix(),
		record.MarkPrefix(), record.BackupMarkKey("")}, err
}
