// Package hsmtest makes an HSM quick to try and its clock settable. Only
// tests import it: a test of package main checks that the program does not.
package hsmtest

import (
	"time"

	"filehsm/hsmfile/internal/clock"
	"filehsm/hsmfile/internal/seal"
)

// CheapKDF makes every password set from here on cost next to nothing.
func CheapKDF() { seal.UseCheapKDF() }

// SetClock makes now the clock of every image in this process.
func SetClock(now func() time.Time) { clock.Now = now }
