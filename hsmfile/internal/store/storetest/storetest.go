// Package storetest checks a store.Store against every promise of the
// contract. A store that passes may stand under an HSM.
package storetest

import (
	"context"
	"slices"
	"testing"
	"time"

	"filehsm/hsmfile/internal/store"
)

// Run runs the suite. Each call of open returns a handle on a new and empty
// store; it cleans up through t.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
}

// cases lists what is promised; reading.go, writing.go and locking.go say how
// it is checked.
var cases = []struct {
	name string
	run  func(t *testing.T, s store.Store)
}{
	{"Empty", testEmpty},
	{"Get", testGet},
	{"ValuesAreCopies", testValuesAreCopies},
	{"ScanOrder", testScanOrder},
	{"ScanPrefixAfter", testScanPrefixAfter},
	{"ScanStops", testScanStops},
	{"ScanBinaryKeys", testScanBinaryKeys},
	{"Walk", testWalk},
	{"Last", testLast},
	{"LargeRecords", testLargeRecords},
	{"ManyRecords", testManyRecords},

	{"BoundsRefused", testBoundsRefused},
	{"DeleteAbsent", testDeleteAbsent},
	{"OwnWrites", testOwnWrites},
	{"WritesDuringScan", testWritesDuringScan},
	{"UndoneOnError", testUndoneOnError},
	{"UndoneOnPanic", testUndoneOnPanic},
	{"ReaderAfterEnd", testReaderAfterEnd},
	{"LikeAModel", testLikeAModel},
	{"ScrubKeepsRecords", testScrubKeepsRecords},

	{"SnapshotIsolation", testSnapshotIsolation},
	{"ConcurrentUpdates", testConcurrentUpdates},
	{"HoldExcludes", testHoldExcludes},
	{"HoldCommitsOneByOne", testHoldCommitsOneByOne},
	{"FreeAfterPanic", testFreeAfterPanic},
	{"CancelledBefore", testCancelledBefore},
	{"CancelledWhileWaiting", testCancelledWhileWaiting},
}

// enough is far longer than anything here takes on a slow machine.
const enough = 60 * time.Second

type record struct {
	key   string
	value string
}

func update(t *testing.T, s store.Transactor, fn func(w store.Writer) error) {
	t.Helper()
	if err := s.Update(t.Context(), fn); err != nil {
		t.Fatalf("Update: %v", err)
	}
}

func view(t *testing.T, s store.Transactor, fn func(r store.Reader) error) {
	t.Helper()
	if err := s.View(t.Context(), fn); err != nil {
		t.Fatalf("View: %v", err)
	}
}

// fill stores one record per key, the key being the value too.
func fill(t *testing.T, s store.Transactor, keys ...string) {
	t.Helper()
	update(t, s, func(w store.Writer) error {
		for _, key := range keys {
			if err := w.Put(key, []byte(key)); err != nil {
				return err
			}
		}
		return nil
	})
}

func scan(r store.Reader, prefix, after string) ([]record, error) {
	var all []record
	err := r.Scan(prefix, after, func(key string, value []byte) error {
		all = append(all, record{key, string(value)})
		return nil
	})
	return all, err
}

// contents returns all records of the store.
func contents(t *testing.T, s store.Transactor) []record {
	t.Helper()
	var all []record
	view(t, s, func(r store.Reader) (err error) {
		all, err = scan(r, "", "")
		return err
	})
	return all
}

func wantContents(t *testing.T, s store.Transactor, want ...record) {
	t.Helper()
	if got := contents(t, s); !slices.Equal(got, want) {
		t.Errorf("store has %q, want %q", got, want)
	}
}

// soon gives up a test whose transaction never ends.
func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), enough)
	t.Cleanup(cancel)
	return ctx
}
