package commands

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// A crashFault is one kind of fault; a sweep makes the first call fail, the second, ...
type crashFault struct {
	call, how string
	reads     bool // changes no file: a sweep in short form takes fewer
}

func crashFaults() (all []crashFault) {
	for _, call := range []string{"openat", "write", "pwrite64", "fsync", "fdatasync", "ftruncate", "linkat", "renameat", "unlinkat", "mkdirat", "msync"} {
		all = append(all, crashFault{call: call, how: "signal=SIGKILL"}, crashFault{call: call, how: "error=EIO"})
		if call != "unlinkat" {
			all = append(all, crashFault{call: call, how: "error=ENOSPC"})
		}
	}
	for _, call := range []string{"read", "pread64", "flock", "newfstatat", "close"} {
		all = append(all, crashFault{call: call, how: "error=EIO", reads: true})
	}
	return all
}

// crash is the scene of one operation under one fault after the other.
type crash struct {
	*scene
	op            crashOp
	before        string // a directory: the scene as it was
	was, is       string // what look saw before and after a clean run
	image         []byte
	clean         map[int]bool // what of image a clean run leaves
	cleanFailures int
}

// Killed or refused at any system call that touches a file, every operation
// leaves the old state or the new one, and the image whole.
func TestCrash(t *testing.T) {
	strace := needStrace(t)
	var injected atomic.Int64
	t.Cleanup(func() { t.Logf("%d faults in all", injected.Load()) })
	for i, op := range crashOps() {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			c := newCrash(t, op)
			for j, f := range crashFaults() {
				injected.Add(int64(c.sweep(strace, f, i+j)))
				if t.Failed() {
					return // the next thousand would say the same
				}
			}
		})
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

// step is how far apart the faults of a sweep are. CI takes a sample that
// `make crash` completes.
func (f crashFault) step() int {
	switch {
	case os.Getenv("FILEHSM_CRASH") == "all":
		return 1
	case f.reads:
		return 60
	}
	return 12
}

// sweep lets the first call fail, then the second, until there is none.
func (c *crash) sweep(strace string, f crashFault, salt int) (injected int) {
	missed := 0
	for n := 1 + salt%f.step(); missed < 2 && !c.t.Failed(); n += f.step() {
		c.reset()
		o, hit := c.traced(strace, f, n)
		if missed++; !hit {
			continue // a goroutine may have gone to another thread this time; two in a row are the end
		}
		missed = 0
		injected++
		c.judge(fmt.Sprintf("%s %s call %d", f.call, f.how, n), f, o)
	}
	return injected
}

// traced runs the operation with one fault, and says if it met the fault.
func (c *crash) traced(strace string, f crashFault, n int) (outcome, bool) {
	c.t.Helper()
	log := filepath.Join(c.before, "..", "strace")
	o := c.process(c.op.line, strace, "-f", "-qq", "--seccomp-bpf", "-o", log,
		"-e", "trace="+f.call, "-e", fmt.Sprintf("inject=%s:%s:when=%d", f.call, f.how, n))
	text, err := os.ReadFile(log)
	c.ok(err)
	return o, o.killed || strings.Contains(string(text), "(INJECTED)")
}

func newCrash(t *testing.T, op crashOp) *crash {
	c := &crash{scene: newScene(t), op: op, before: filepath.Join(memoryDir(t), "before")}
	if !op.bare {
		c.populate()
	}
	for _, line := range op.prepare {
		if line == "!rm prod.hsm" {
			c.ok(os.Remove(c.path("prod.hsm")))
		} else if tried, ok := strings.CutPrefix(line, "!"); ok {
			c.run(tried)
		} else {
			c.must(line)
		}
	}
	c.ok(copyTree(c.dir, c.before))
	c.image, _ = os.ReadFile(c.path("prod.hsm"))
	c.was, _, _ = c.see()
	c.reset()
	c.run(op.line)
	c.is, c.cleanFailures, c.clean = c.see()
	if op.verdict == "" && c.was == c.is && op.name != "backup" {
		t.Fatalf("nothing shows that it happened: %s", c.is)
	}
	t.Logf("old: %s; new: %s", c.was, c.is)
	return c
}

func (c *crash) reset() {
	c.ok(os.RemoveAll(c.dir))
	c.ok(copyTree(c.before, c.dir))
}

// see finds out the state. What reads without a login comes first, since a
// login puts counters back.
func (c *crash) see() (state string, failures int, left map[int]bool) {
	c.t.Helper()
	state = c.state() // finishes what waits
	if strings.HasPrefix(state, "absent") {
		return state, 0, nil
	}
	failures = c.failures(c.op.user)
	if c.op.wipes {
		left = remains(c.image, c.read("prod.hsm"))
	}
	if o := c.run("image check"); o.code != 0 {
		c.t.Errorf("image check: exit %d\n%s%s", o.code, o.out, o.err)
	}
	if o := c.run("audit verify --all"); o.code != 0 {
		c.t.Errorf("audit verify: exit %d\n%s%s", o.code, o.out, o.err)
	}
	if c.op.look != "" {
		state += fmt.Sprintf(", %s %d", c.op.look, c.run(c.op.look).code)
	}
	if !strings.HasPrefix(state, "active") || c.op.bare {
		return state, failures, left
	}
	for _, who := range []string{byAlice, strings.Replace(byAlice, "alice.pw", "new.pw", 1), byBob} {
		labels, o := c.labels(who)
		state += fmt.Sprintf(", %d%q", o.code, labels)
	}
	return state, failures, left
}

// judge looks at what the operation left after a fault.
func (c *crash) judge(what string, f crashFault, o outcome) {
	c.t.Helper()
	state, failures, left := c.see()
	between := o.killed && c.op.between != "" && strings.HasPrefix(state, c.op.between)
	if state != c.was && state != c.is && !between || (o.code == 0 && state != c.is) {
		c.t.Errorf("neither old nor new: %s", state)
	}
	c.judgeAttempts(o, failures)
	if strings.Contains(o.err, "goroutine ") {
		c.t.Errorf("it crashed")
	}
	if at := residue(c.clean, left); c.op.wipes && state == c.is && state != c.was && at >= 0 {
		c.t.Errorf("a deleted record that was at %#x is still in the file", at)
	}
	c.judgeFiles(f, o)
	if c.op.check != nil {
		c.op.check(c, o)
	}
	if c.op.again != "" {
		c.must(c.op.again)
	}
	if c.t.Failed() {
		c.t.Fatalf("%s: exit %d\n%s%s", what, o.code, o.out, o.err)
	}
}

// judgeAttempts: a wrong password is never compared for nothing, and a right
// one costs nothing unless its process was killed.
func (c *crash) judgeAttempts(o outcome, failures int) {
	c.t.Helper()
	compared := c.op.verdict != "" && strings.Contains(o.err, c.op.verdict)
	switch {
	case compared && failures < c.cleanFailures:
		c.t.Errorf("a password was compared, and %d failures are counted, not %d", failures, c.cleanFailures)
	case c.op.verdict == "" && !o.killed && failures > 0:
		c.t.Errorf("a right password counts as %d failures", failures)
	case c.op.verdict == "" && failures > 1:
		c.t.Errorf("one right password counts as %d failures", failures)
	}
}

// judgeFiles: a command that failed leaves nothing of its own behind. One that
// could not remove a file, and said so, is excused.
func (c *crash) judgeFiles(f crashFault, o outcome) {
	c.t.Helper()
	if o.killed || f.call == "unlinkat" || strings.Contains(o.err, "warning: openfdat "+c.path("tmp")) {
		return
	}
	if left, _ := os.ReadDir(c.path("tmp")); len(left) > 0 {
		c.t.Errorf("%q is left in the temporary directory", left[0].Name())
	}
}
