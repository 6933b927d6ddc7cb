package commands

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// The power fails in the middle of every operation, and the disk forgets what
// was not synced: the state is the old or the new one, and what was confirmed
// is there.
//
// The operation runs once as it is, the real program, and strace writes down its
// system calls. A simDisk then replays them up to one after the other, and drops,
// keeps or tears what was not synced by then; what it leaves is put down as files,
// opened and judged like the leavings of any other crash. An interface between
// the program and its files, with a test version that drops, would be a switch in
// the product, and it would have to be believed that the product does through it
// all that it does. (A commit of the store is tried through one as well, in that
// package's tests.) The calls cannot be argued with: one on a file of ours that
// the replay does not know fails this test, and so does a replay that does not
// end with the files that are there.
//
// Left out: what lies under $XDG_RUNTIME_DIR is gone whatever happens, as it
// is with the machine. A session, wherever it lies, may be gone: it does not
// outlive the boot. A sector of 512 bytes is written whole or not at all, as
// disks have it, but for the image's meta pages: one torn anywhere is refused
// until image check --accept-previous, and then the state is an old or new one.
//
// CI loses the power at each sync, each word to the user and the end;
// FILEHSM_CRASH=all after every call that changes anything.
func TestPowerLoss(t *testing.T) {
	strace := needStrace(t)
	var states, judged atomic.Int64
	t.Cleanup(func() { t.Logf("%d states, %d of them different", states.Load(), judged.Load()) })
	for _, op := range crashOps() {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			c := newCrash(t, strace, op)
			c.losePower()
			states.Add(int64(c.count))
			judged.Add(int64(len(c.judged)))
		})
	}
}

// losePower records the operation, and loses the power at every point of it.
func (c *crash) losePower() {
	c.t.Helper()
	c.reset()
	disk, err := newSimDisk(c.dir)
	c.ok(err)
	calls, o := c.record()
	ended, err := newSimDisk(c.dir)
	c.ok(err)
	c.ok(disk.apply(calls, func(next traced) {
		if c.cutBefore(disk, next) {
			c.lose(disk, "before "+next.String())
		}
	}))
	c.lose(disk, "at the end")
	if o.out != disk.out || o.err != disk.err {
		c.t.Errorf("the replay prints %q %q, the program printed %q %q", disk.out, disk.err, o.out, o.err)
	}
	all := loss{data: true, names: true}
	for name, difference := range differences(disk.after(all), ended.after(all)) {
		c.t.Errorf("the replay differs from what is there: %s %s", name, difference)
	}
}

// cutBefore says if the power fails before a call.
func (c *crash) cutBefore(d *simDisk, next traced) bool {
	if next.result < 0 || simCalls[next.name] == nil {
		return false
	}
	switch next.name {
	case "fsync", "fdatasync":
		return d.touches(next)
	case "close", "read", "lseek", "fcntl", "mmap":
		return false
	}
	said := next.name == "write" && (next.number(0) == 1 || next.number(0) == 2)
	return crashStep() == 1 && (said || d.touches(next)) || said
}

// losses are the ways in which the power may fail.
func losses() []loss {
	all := []loss{{name: "nothing is kept"}, {name: "names are kept", names: true}, {name: "all is kept", names: true, data: true}}
	seeds := 2
	if crashStep() == 1 {
		seeds = 12
	}
	for seed := range seeds {
		piece := 4096
		if seed%2 == 1 {
			piece = 512
		}
		all = append(all, loss{name: fmt.Sprintf("seed %d", seed), chance: rand.New(rand.NewPCG(uint64(seed), 0)), piece: piece})
	}
	return all
}

// lose puts down what the disk may hold now, in each of its ways, and judges
// it.
func (c *crash) lose(d *simDisk, when string) {
	c.t.Helper()
	o := outcome{code: -1, killed: true, volatile: c.op.volatile, out: d.out, err: d.err}
	for _, l := range losses() {
		c.putDown(d.after(l))
		c.judge(when+", "+l.name, crashFault{}, o)
	}
	if left, ok := d.torn(c.path("prod.hsm")); ok && c.op.between != "absent" { // a restore that made the file is made anew
		c.putDown(left)
		if check := c.run("image check"); check.code != 7 {
			c.t.Fatalf("%s, a meta page is torn: image check: exit %d\n%s%s", when, check.code, check.out, check.err)
		}
		c.must("image check --accept-previous")
		c.judge(when+", a meta page is torn", crashFault{}, o)
	}
}

// torn is the disk with all that was written, but for the last half of the
// image's newest meta page, if that was being written.
func (d *simDisk) torn(image string) (map[string]leftFile, bool) {
	n := d.root.names[filepath.Base(image)]
	if n == nil || len(n.written) == 0 {
		return nil, false
	}
	last := n.written[len(n.written)-1]
	if last.at > 4096 || last.at%4096 != 0 || len(last.data) != 4096 {
		return nil, false
	}
	const half = 16 + 56 // the page's header, and the meta without its sum
	written := n.written
	defer func() { n.written = written }()
	n.written = append(slices.Clone(written[:len(written)-1]), write{at: last.at, data: last.data[:half]})
	return d.after(loss{data: true, names: true}), true
}

// putDown makes files of what the disk holds.
func (c *crash) putDown(left map[string]leftFile) {
	c.t.Helper()
	c.ok(os.RemoveAll(c.dir))
	for _, path := range sortedKeys(left) {
		f := left[path]
		if strings.HasPrefix(path, "run/") {
			continue
		}
		if f.mode.IsDir() {
			c.ok(os.Mkdir(c.path(path), f.mode.Perm()))
		} else {
			c.ok(os.WriteFile(c.path(path), f.data, f.mode))
		}
	}
}

func sortedKeys(m map[string]leftFile) []string {
	var all []string
	for name := range m {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// differences are the files in which two trees differ.
func differences(a, b map[string]leftFile) map[string]string {
	found := map[string]string{}
	for name, f := range a {
		if g, ok := b[name]; !ok || string(f.data) != string(g.data) || f.mode != g.mode {
			found[name] = fmt.Sprintf("has %d bytes, %v, not %d, %v", len(f.data), f.mode, len(g.data), g.mode)
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			found[name] = "is missing"
		}
	}
	return found
}
