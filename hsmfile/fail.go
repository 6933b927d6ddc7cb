package hsmfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/store"
)

func quote(s string) string { return strconv.Quote(s) }

// refuse makes an Error; the hint may be empty.
func refuse(kind error, hint, format string, args ...any) *Error {
	return &Error{Kind: kind, Hint: hint, Text: fmt.Sprintf(format, args...)}
}

const restoreHint = "keep the file as it is, and restore the newest backup at another path: filehsm backup restore --image NEW.hsm --from DIR --identity FILE"

// VaultToRestore is the vault to restore from: the one with the newest backup,
// or the only one; "NAME" if nothing says which.
func VaultToRestore(vaults []VaultInfo) string {
	if len(vaults) == 1 {
		return vaults[0].Name
	}
	best := VaultInfo{Name: "NAME"}
	for _, x := range vaults {
		if x.LastBackup != nil && (best.LastBackup == nil || x.LastBackup.Generation > best.LastBackup.Generation) {
			best = x
		}
	}
	return best.Name
}

// restoreCommand is the line that brings the keys back.
func restoreCommand(vaults []VaultInfo) string {
	return "filehsm backup restore --vault " + VaultToRestore(vaults) + " --identity FILE"
}

// restoreCommand is the line for this image. What cannot be read here is no
// reason to refuse anything, for a hint.
func (v *view) restoreCommand() string {
	vaults, err := v.vaults()
	if err != nil {
		vaults = nil
	}
	return restoreCommand(vaults)
}

func (im *Image) restoreCommand() string {
	vaults, err := im.Vaults(context.Background())
	if err != nil {
		vaults = nil
	}
	return restoreCommand(vaults)
}

// damaged is a refusal of a record, by its name for people.
func (im *Image) damaged(what string, err error) *Error {
	return &Error{Kind: ErrIntegrity, Text: fmt.Sprintf("%s: %s is damaged or forged", im.path, what),
		Hint: "filehsm image check shows all findings; " + restoreHint, Err: err}
}

// fail maps the errors of the store, which name no image, to ours.
func (im *Image) fail(err error) error { return storeError(im.path, err) }

// storeErrors is the one table from the store's errors to kinds and hints, in
// which PATH is the image's, DIRECTORY its directory's.
var storeErrors = []struct {
	is   func(error) bool
	kind error
	hint string
}{
	{is(store.ErrDamaged), ErrIntegrity, "is this the right file? If it is: " + restoreHint},
	{is(store.ErrBusy), ErrBusy, "another filehsm works on this image; try again, or wait longer with --lock-timeout"},
	{is(syscall.EROFS), ErrDenied, "the file system is read-only: mount it for writing, or choose another place"},
	{is(store.ErrUnopened), ErrDenied, "run this as the owner of PATH"},
	{is(fs.ErrPermission), ErrDenied, "run this as the file's owner, or choose a place that you may write: PATH"},
	{NoRoom, nil, "free some space on the file system of PATH, or raise the quota or the limit on a file's size, then repeat; what was half done is finished by the next command"},
	{is(store.ErrPermission), ErrDenied, "an image must be readable by its owner alone: chmod 600 PATH"},
	{is(store.ErrNotExist), ErrNotFound, "name the image with --image or FILEHSM_IMAGE, or make one: filehsm create --label NAME"},
	{is(fs.ErrNotExist), ErrNotFound, "make the directory first: mkdir DIRECTORY"},
	{is(store.ErrExist), ErrState, "choose another path; filehsm never writes over a file"},
	{is(record.ErrMalformed), ErrIntegrity, "filehsm image check shows all findings; " + restoreHint},
}

// is is errors.Is for a table.
func is(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

func storeError(path string, err error) error {
	var ours *Error
	if err == nil || errors.As(err, &ours) {
		return err
	}
	if errors.Is(err, context.Canceled) {
		return &Error{Kind: context.Canceled, Text: path + ": interrupted"}
	}
	for _, row := range storeErrors {
		if row.is(err) {
			hint := strings.NewReplacer("PATH", path, "DIRECTORY", filepath.Dir(path)).Replace(row.hint)
			return &Error{Kind: row.kind, Text: path, Hint: hint, Err: err}
		}
	}
	return &Error{Text: path, Err: err}
}
