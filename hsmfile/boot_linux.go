package hsmfile

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"sync"
)

// bootID names this boot of the machine, so that no session outlives it. An
// empty id (no /proc) leaves the expiry alone to end a session. It is asked
// for once: a process does not outlive its boot either.
var bootID = sync.OnceValues(func() (string, error) {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(b)), err
})
