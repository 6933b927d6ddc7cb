package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"filehsm/hsmfile"
)

var noContext = context.Background()

func noTerminal() (*os.File, error) { return nil, errors.New("no terminal") }

func TestExitCodes(t *testing.T) {
	for _, test := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("else"), 1},
		{&fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, 1},
		{interrupted(), 1},
		{usageError("", "x"), 2},
		{hsmfile.ErrUsage, 2},
		{hsmfile.ErrOlder, 2},
		{hsmfile.ErrAuth, 3},
		{hsmfile.ErrLocked, 4},
		{hsmfile.ErrState, 5},
		{hsmfile.ErrNotFound, 6},
		{&fs.PathError{Op: "open", Path: "x", Err: syscall.ENOENT}, 6},
		{fmt.Errorf("wrapped: %w", hsmfile.ErrIntegrity), 7},
		{hsmfile.ErrDenied, 8},
		{&fs.PathError{Op: "open", Path: "x", Err: syscall.EACCES}, 8},
		{hsmfile.ErrBusy, 9},
		{partialError("", "x"), 10},
		{sourceError("", "x"), 11},
		{hsmfile.ErrLastAttempt, 14},
		{&hsmfile.Error{Kind: hsmfile.ErrNotFound, Err: hsmfile.ErrIntegrity}, 6},
		{&hsmfile.Error{Err: fmt.Errorf("x: %w", hsmfile.ErrIntegrity)}, 7},
		{errors.Join(errors.New("x"), hsmfile.ErrBusy), 9},
	} {
		if got := exitCode(test.err); got != test.want {
			t.Errorf("%v: exit %d, want %d", test.err, got, test.want)
		}
	}
}

// The table is in order, and every row but the first two has refusals that
// give it.
func TestExitTable(t *testing.T) {
	for i, e := range exits {
		if i > 0 && e.code <= exits[i-1].code || e.meaning == "" || e.code > 1 && len(e.kinds) == 0 {
			t.Errorf("row %d: %+v", i, e)
		}
	}
}

func TestErrorsAreShownSafely(t *testing.T) {
	code, out, errs := runIn(nil, "", "config", "\x1b[2J\u202e", "--json")
	if code != 2 || strings.ContainsAny(out+errs, "\x1b\u202e") {
		t.Errorf("exit %d, %q %q", code, out, errs)
	}
	var o struct {
		Code int    `json:"error_code"`
		Data string `json:"data"`
	}
	if err := json.Unmarshal([]byte(out), &o); err != nil || o.Code != 2 || o.Data == "" {
		t.Errorf("%q: %v", out, err)
	}
}
