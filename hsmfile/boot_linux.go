package hsmfile

import (
	"os"
	"strings"
	"sync"
)

// bootID names this boot of the machine, so that no session outlives it. An
// empty id (no /proc) leaves the expiry alone to end a session. It is asked
// for once: a process does not outlive its boot either.
var bootID = sync.OnceValue(func() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
})
