package hsmfile

import (
	"os"
	"strings"
)

// bootID names this boot of the machine, so that no session outlives it. An
// empty id (no /proc) leaves the expiry alone to end a session.
func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
