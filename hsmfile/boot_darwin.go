package hsmfile

import (
	"sync"

	"golang.org/x/sys/unix"
)

// bootID names this boot of the machine, so that no session outlives it. An
// empty id leaves the expiry alone to end a session. It is asked
// for once: a process does not outlive its boot either.
var bootID = sync.OnceValues(func() (string, error) {
	id, err := unix.Sysctl("kern.bootsessionuuid")
	if err != nil {
		return "", nil // an old system
	}
	return id, nil
})
