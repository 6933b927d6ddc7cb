package hsmfile

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"filehsm/hsmfile/internal/record"
)

// TestRestoreInSteps: a backup that takes many transactions, each of them
// beginning where the one before ended, is restored to the last record, into a
// zeroized image and where nothing is.
func TestRestoreInSteps(t *testing.T) {
	before := copyBytes
	copyBytes = 4 << 10 // an entry or two
	defer func() { copyBytes = before }()
	f := newFixture(t, CreateSpec{})
	alice := f.login("alice")
	for range 10 {
		f.aes(alice, "a")
	}
	m, age := f.backup(f.login("robot"))
	had := records(t, f.path)
	f.zeroize()
	for _, path := range []string{f.newPath(), f.path} {
		whole(t, f.restore(path, m, age))
		now, n := records(t, path), 0
		for key, value := range had {
			set, name, ofSet := record.SetOf(key)
			entry, ofChain := strings.CutPrefix(key, record.EntryPrefix())
			if !ofChain {
				entry, ofChain = strings.CutPrefix(key, record.HeadPrefix())
			}
			if !ofSet && (!ofChain || binary.BigEndian.Uint64([]byte(entry)) > m.HeadSequence) {
				continue
			}
			if n++; ofSet && path == f.path {
				key = record.SetPrefix(set+2) + string(name)
			}
			if !bytes.Equal(now[key], value) {
				t.Errorf("%s: record %x is %x, was %x", path, key, now[key], value)
			}
		}
		if n < 50 {
			t.Errorf("only %d records compared", n)
		}
	}
}
