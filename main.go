// Command filehsm is a hardware security module made of one file.
package main

import (
	"os"

	"filehsm/commands"
)

func main() {
	os.Exit(commands.Run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
