// Package clock is the one clock of the HSM.
package clock

import "time"

// Now is time.Now in the program; package hsmtest sets it in tests.
var Now = time.Now
