package hsmfile

import (
	"sync"

	"golang.org/x/sys/unix"
)

// harden keeps secrets of this process out of core dumps and of debuggers of
// the same OS user. Best effort: where the system refuses, the work goes on.
var harden = sync.OnceFunc(func() {
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
})
