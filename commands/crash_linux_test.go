package commands

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// A crashFault is one kind of fault; a sweep makes the first call fail, the second, ...
type crashFault struct {
	call, how string
	image     bool // only calls on the image: the program's start makes more of them
}

// crashFaults are killed or refused calls. A process is killed at calls that
// write only: killed at one that reads, it leaves what it does at the next
// that writes.
func crashFaults() (all []crashFault) {
	for _, call := range []string{"openat", "write", "pwrite64", "fsync", "fdatasync", "ftruncate", "linkat", "renameat", "unlinkat", "mkdirat"} {
		all = append(all, crashFault{call: call, how: "signal=SIGKILL"}, crashFault{call: call, how: "error=EIO"})
		if call != "unlinkat" {
			all = append(all, crashFault{call: call, how: "error=ENOSPC"})
		}
	}
	for _, call := range []string{"read", "pread64", "flock", "newfstatat", "fstat", "close", "fcntl", "lseek", "getdents64", "fadvise64"} {
		all = append(all, crashFault{call: call, how: "error=EIO"})
	}
	return append(all, crashFault{call: "mmap", how: "error=ENOMEM", image: true})
}

// notSwept are calls on files that no fault is made at.
var notSwept = map[string]string{
	"epoll_ctl": "refused for every regular file anyway",
	"ioctl":     "asks if standard output is a terminal",
	"execve":    "the program's start",
}

// Killed or refused at any system call that touches a file, every operation
// leaves the old state or the new one, and the image whole. go test takes every
// thirtieth call; FILEHSM_CRASH=3, as in .ci/run, every third, all takes all.
func TestCrash(t *testing.T) {
	strace := needStrace(t)
	wantSwept(t)
	var injected atomic.Int64
	t.Cleanup(func() { t.Logf("%d faults in all", injected.Load()) })
	for i, op := range crashOps() {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			c := newCrash(t, strace, op)
			for j, f := range crashFaults() {
				injected.Add(int64(c.sweep(f, i+j)))
				if t.Failed() {
					return // the next thousand would say the same
				}
			}
			t.Logf("%d judged, %d as one before", c.count, c.count-len(c.judged))
		})
	}
}

// wantSwept: every call that the replay of TestPowerLoss has met on a file is
// one that faults are made at, or has its reason.
func wantSwept(t *testing.T) {
	t.Helper()
	swept := map[string]bool{}
	for _, f := range crashFaults() {
		swept[f.call] = true
	}
	for call := range keepsFiles {
		swept[call] = swept[call] || notSwept[call] != ""
		if !swept[call] {
			t.Errorf("no fault is made at %s", call)
		}
	}
	for call := range simCalls {
		if !swept[call] {
			t.Errorf("no fault is made at %s", call)
		}
	}
}

func needStrace(t *testing.T) string {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("SKIPPED: strace is missing, so nothing can be killed at a system call")
	}
	if testing.Short() {
		t.Skip("SKIPPED: short")
	}
	return strace
}

// crashStep is how far apart the faults of a sweep are: 30, so that go test
// ends in its ten minutes on a slow machine, too, or what FILEHSM_CRASH says.
func crashStep() int {
	switch s := os.Getenv("FILEHSM_CRASH"); s {
	case "":
		return 30
	case "all":
		return 1
	default:
		n, _ := strconv.Atoi(s)
		return max(n, 1)
	}
}

// sweep lets the first call fail, then the second, until there is none. strace
// counts each thread's calls by themselves, and a goroutine may be on another
// thread this time: so the short form goes up to the number of calls that the
// busiest thread made in a clean run, and the long form beyond it, to the first
// that nobody made.
func (c *crash) sweep(f crashFault, salt int) (injected int) {
	most, step := c.calls[f.call], crashStep()
	if most == 0 {
		return 0
	}
	if f.image {
		most = 1
	}
	for n := 1 + salt%step; !c.t.Failed() && (step == 1 || n <= most); n += step {
		c.reset()
		o, hit := c.inject(f, n)
		if hit {
			injected++
			c.judge(fmt.Sprintf("%s %s call %d", f.call, f.how, n), f, o)
		} else if n > most {
			break
		}
	}
	return injected
}

// inject runs the operation with one fault, and says if it met the fault.
func (c *crash) inject(f crashFault, n int) (outcome, bool) {
	c.t.Helper()
	line := c.op.line
	unclosed := f.call == "close" // strace makes it fail by leaving it out: a lock stays, and the program waits for itself
	if unclosed {
		line += " --lock-timeout 100ms"
	}
	words := []string{c.strace, "-f", "-qq", "--seccomp-bpf", "-o", c.log(), "-e", "trace=" + f.call, "-e", fmt.Sprintf("inject=%s:%s:when=%d", f.call, f.how, n)}
	if f.image {
		words = append(words, "-P", c.path("prod.hsm"))
	}
	o := c.process(line, words...)
	o.halfway = unclosed
	text, err := os.ReadFile(c.log())
	c.ok(err)
	return o, o.killed || strings.Contains(string(text), "(INJECTED)")
}

// record runs the operation in peace, and returns all its system calls.
func (c *crash) record() ([]traced, outcome) {
	c.t.Helper()
	o := c.process(c.op.line, c.strace, "-f", "-qq", "-xx", "-s", fmt.Sprint(64<<20), "-o", c.log())
	calls, err := readTrace(c.log())
	c.ok(err)
	return calls, o
}

func (c *crash) log() string { return filepath.Join(filepath.Dir(c.before), "strace") }
