// Command cheap is filehsm, but that a password set with it costs next to nothing
// to try: what else a login takes shows with it, as it cannot beside a KDF whose
// own time differs by more from one run to the next.
package main

import (
	"os"
	"runtime/debug"

	"filehsm/commands"
	"filehsm/hsmfile/hsmtest"
)

func main() {
	debug.SetGCPercent(200) // as filehsm's main does
	hsmtest.CheapKDF()
	os.Exit(commands.Run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
