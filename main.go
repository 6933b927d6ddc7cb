// Command filehsm is a hardware security module made of one file.
package main

import (
	"os"
	"runtime/debug"

	"filehsm/commands"
)

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200) // a command lives for milliseconds: a long listing takes a third less, and stays below 64 MB
	}
	os.Exit(commands.Run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
