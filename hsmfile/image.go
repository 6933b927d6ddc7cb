// Package hsmfile is a hardware security module made of one file: users and
// their roles, keys and what may be done with them, an audit chain, backups,
// and the wiping of all of it.
//
// The words. An Image is the HSM; a Session is one user who proved to be one;
// a roster is the signed record that says who the users are; a set is all
// records that a zeroization deletes and a restore brings back; the chain is
// the audit log, which outlives both. FORMAT.md beside this file describes
// every record.
//
// What holds everywhere:
//
//   - A change and its audit entry are one transaction (change.record).
//   - Whatever uses a key passes Session.read or Session.write, which check the
//     roster from what the user himself remembers of it, and the role's right.
//   - No public key is used that was not reached by signatures from there.
//   - Raw keys and raw records do not leave this package.
package hsmfile

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"filehsm/hsmfile/internal/chain"
	"filehsm/hsmfile/internal/clock"
	"filehsm/hsmfile/internal/filestore"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/seal"
	"filehsm/hsmfile/internal/store"
)

// Image is one HSM. It holds no lock between calls, and no file open for longer
// than a moment after a change; it may be used by several goroutines.
type Image struct {
	path  string
	store store.Store
	info  atomic.Pointer[Info]
	warn  func(string)

	marked  atomic.Bool // a change of ours left a mark: finish after its commit
	header  memo[record.Header]
	counter memo[record.Counter]
	entry   memo[chain.Link]       // the newest of the chain
	decoded atomic.Pointer[roster] // the newest that was read
	swept   atomic.Int64           // when stale sessions were looked for, Unix milliseconds
	waits   error                  // why killed attempts could not be settled, as of Open; until they are, nobody uses a key
}

// Info is what is fixed for an image, and its state when it was opened.
type Info struct {
	ID          string // hex, 16 bytes
	Serial      string
	Label       string
	Mode        string
	State       State
	Fingerprint string // hex SHA-256 of the first roster; empty before activation
}

// modeNonFIPS is the mode of every image of this version. Stored; "fips" will
// be 2.
const modeNonFIPS uint8 = 1

var modeNames = map[uint8]string{modeNonFIPS: "non-fips"}

// Reset rules. Stored; never renumber.
const (
	resetKeepsKeys uint8 = 1
	resetDropsKeys uint8 = 2
)

var resetNames = map[uint8]string{resetKeepsKeys: "keeps-keys", resetDropsKeys: "drops-keys"}

// now is the clock, a function so that tests can set it through package
// hsmtest.
func now() time.Time { return clock.Now() }

// Create makes an uninitialized image at path, which must not exist, with
// mode 0600. Errors: ErrUsage, ErrState (something is there).
func Create(ctx context.Context, path string, spec CreateSpec, o Options) (*Image, error) {
	h, err := spec.header()
	if err != nil {
		return nil, err
	}
	return makeFile(ctx, path, o, h, (*change).initialize)
}

// initialize writes the header and the chain's first two entries.
func (c *change) initialize() error {
	c.begin(chain.Link{})
	c.putHeader()
	if err := c.record(chain.Entry{Opcode: chain.InitToken}); err != nil {
		return err
	}
	return c.record(chain.Entry{Opcode: chain.InitDone})
}

// header checks what the user asked for.
func (spec CreateSpec) header() (*record.Header, error) {
	if err := validateLabel(spec.Label); err != nil {
		return nil, err
	}
	if err := checkMode(spec.Mode); err != nil {
		return nil, err
	}
	lockout := orDefault(spec.Lockout, defaultLockout)
	if lockoutPresets[lockout] == nil {
		return nil, refuse(ErrUsage, "the presets are "+presetNames(), "invalid lockout preset %q", spec.Lockout)
	}
	reset, err := resetRule(orDefault(spec.Reset, resetNames[resetKeepsKeys]))
	if err != nil {
		return nil, err
	}
	return &record.Header{
		Suite: record.Suite, ImageID: seal.Random(record.ImageIDSize), Serial: newSerial(), Label: spec.Label,
		Mode: modeNonFIPS, State: uint8(Uninitialized), Set: 1, Lockout: lockout, Reset: reset, Created: now().UnixMilli(),
	}, nil
}

func orDefault(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

func checkMode(mode string) error {
	switch orDefault(mode, modeNames[modeNonFIPS]) {
	case modeNames[modeNonFIPS]:
		return nil
	case "fips":
		return refuse(ErrUsage, "leave --mode out, or say --mode non-fips; a mode cannot be changed later", "mode \"fips\" comes with a later version")
	}
	return refuse(ErrUsage, "the mode is non-fips", "invalid mode %q", mode)
}

func resetRule(name string) (uint8, error) {
	for rule, n := range resetNames {
		if n == name {
			return rule, nil
		}
	}
	return 0, refuse(ErrUsage, "keeps-keys: a CO who resets a password keeps the user's keys; drops-keys: nobody but the user ever has them", "invalid reset rule %q", name)
}

// validateLabel bounds the image's label: it is typed back at a zeroization.
func validateLabel(label string) error {
	if n := utf8.RuneCountInString(label); n < 1 || n > 32 || !utf8.ValidString(label) {
		return refuse(ErrUsage, "a label is 1 to 32 characters", "invalid image label %q", label)
	}
	if strings.ContainsFunc(label, func(r rune) bool { return !unicode.IsPrint(r) }) || strings.TrimSpace(label) != label {
		return refuse(ErrUsage, "use printable characters, without spaces at the ends", "invalid image label %q", label)
	}
	return nil
}

// newSerial is 16 decimal digits, for people to read out to each other. It is
// a name, not a secret.
func newSerial() string {
	var b strings.Builder
	for b.Len() < 16 {
		if d := seal.Random(1)[0]; d < 250 { // no bias towards 0 to 5
			fmt.Fprintf(&b, "%d", d%10)
		}
	}
	return b.String()
}

// Open checks that path is an image that this version and this user can work
// with, and finishes what a killed process left half done: login attempts,
// scrubs, deletions, restores. Where that fails (no room), it warns; and where
// attempts are unsettled, the image can be looked at and no more. It does not read
// the records.
// Errors: ErrNotFound, ErrDenied, ErrIntegrity, ErrState (a newer version).
func Open(ctx context.Context, path string, o Options) (*Image, error) {
	seal.PrepareEd25519()
	s, err := filestore.Open(path, o.store())
	if err != nil {
		return nil, storeError(path, err)
	}
	return open(ctx, path, s, o)
}

func newImage(path string, s store.Store, o Options) *Image {
	im := &Image{path: path, store: s, warn: o.Warn}
	if im.warn == nil {
		im.warn = func(string) {}
	}
	return im
}

func open(ctx context.Context, path string, s store.Store, o Options) (*Image, error) {
	im := newImage(path, s, o)
	var waiting bool
	err := im.view(ctx, func(v *view) (err error) {
		im.info.Store(v.info())
		waiting, err = v.workWaits()
		return err
	})
	if err != nil || !waiting {
		return im, err
	}
	if err := im.finishAtOpen(ctx); err != nil {
		return im, err
	}
	return im, im.view(ctx, func(v *view) error { im.info.Store(v.info()); return nil }) // a killed login may have wiped it
}

// Path is the image's path, as given to Open.
func (im *Image) Path() string { return im.path }

// ID is the image id in hex; it names the session file.
func (im *Image) ID() string { return im.info.Load().ID }

// Info is what was true when the image was opened, activated or restored.
func (im *Image) Info() Info { return *im.info.Load() }

func (v *view) info() *Info {
	return &Info{
		ID: hex.EncodeToString(v.h.ImageID), Serial: v.h.Serial, Label: v.h.Label,
		Mode: modeNames[v.h.Mode], State: State(v.h.State), Fingerprint: hex.EncodeToString(v.h.Fingerprint),
	}
}
