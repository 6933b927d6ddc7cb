package commands

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// see finds out the state. What reads without a login comes first, since a
// login puts counters back.
func (c *crash) see() (s sight) {
	c.t.Helper()
	s.state = c.state() // finishes what waits
	if strings.HasPrefix(s.state, "absent") {
		return s
	}
	s.failures = c.failures(c.op.user)
	if c.op.wipes {
		s.left = remains(c.image, c.read("prod.hsm"))
	}
	c.sound("image check")
	c.sound("audit verify --all")
	if c.op.shows != nil {
		s.state += ", " + c.op.shows(c)
	}
	if c.op.look != "" {
		s.state += fmt.Sprintf(", %s %t", c.op.look, c.run(c.op.look).code == 0)
	}
	if !strings.HasPrefix(s.state, "active") || c.op.bare {
		return s
	}
	for _, who := range []string{byAlice, strings.Replace(byAlice, "alice.pw", "new.pw", 1), byBob} {
		labels, o := c.labels(who)
		s.state += fmt.Sprintf(", %d%q", o.code, labels)
	}
	return s
}

// sound is for a command that finds nothing wrong, and no older copy either.
func (c *crash) sound(line string) {
	c.t.Helper()
	if o := c.run(line); o.code != 0 || strings.Contains(o.err, "that was here before") {
		c.t.Errorf("%s: exit %d\n%s%s", line, o.code, o.out, o.err)
	}
}

// judge looks at what the operation left after a fault. Many faults leave the
// same, byte for byte (what was there before, what is there after all, and
// since the operation has the same time and the same chance in every run, most
// that lies between); it is judged once.
func (c *crash) judge(what string, f crashFault, o outcome) {
	c.t.Helper()
	c.count++
	if strings.Contains(o.err, "goroutine ") && !strings.Contains(o.err, "netpollBreak") { // a write of the runtime to itself
		c.t.Errorf("it crashed")
	}
	c.judgeFiles(f, o)
	tree := c.tree()
	key := sha256.Sum256(fmt.Appendf(nil, "%x %t %t %t %t %q", tree, o.code == 0, o.killed, o.halfway, c.compared(o), o.out))
	if !c.judged[key] {
		c.judgeState(o)
		c.judged[key] = true
	}
	if c.t.Failed() {
		c.t.Fatalf("%s: exit %d\n%s%s", what, o.code, o.out, o.err)
	}
}

func (c *crash) judgeState(o outcome) {
	c.t.Helper()
	s := c.see()
	between := c.op.between != "" && strings.HasPrefix(s.state, c.op.between) && (o.killed || o.halfway || c.op.volatile && o.code != 0)
	if s.state != c.was.state && s.state != c.is.state && !between {
		c.t.Errorf("neither old nor new: %s", s.state)
	}
	if (c.confirmed(o) || c.compared(o)) && s.state != c.is.state {
		c.t.Errorf("it was said to be done, and is not: %s", s.state)
	}
	c.judgeAttempts(o, s.failures)
	if at := residue(c.is.left, s.left); c.op.wipes && s.state == c.is.state && (c.op.quiet || s.state != c.was.state) && at >= 0 {
		c.t.Errorf("a deleted record that was at %#x is still in the file", at)
	}
	if c.op.check != nil {
		c.op.check(c, o)
	}
	if c.op.again != "" {
		c.must(c.op.again)
	}
}

// confirmed: the operation said that it was done, and perhaps died after it.
func (c *crash) confirmed(o outcome) bool {
	return o.code == 0 || o.killed && o.out != "" && c.op.verdict == "" && !o.volatile
}

// compared: the operation said that a password was wrong.
func (c *crash) compared(o outcome) bool {
	return c.op.verdict != "" && strings.Contains(o.err, c.op.verdict)
}

// judgeAttempts: a wrong password is never compared for nothing, and a right
// one costs nothing unless its process was killed.
func (c *crash) judgeAttempts(o outcome, failures int) {
	c.t.Helper()
	excused := c.was.failures
	if o.killed {
		excused++
	}
	switch {
	case c.compared(o) && failures < c.is.failures:
		c.t.Errorf("a password was compared, and %d failures are counted, not %d", failures, c.is.failures)
	case c.op.verdict == "" && failures > excused:
		c.t.Errorf("a right password counts as a failure: %d", failures)
	case c.op.quiet && failures < c.was.failures:
		c.t.Errorf("%d failures are forgotten", c.was.failures-failures)
	}
}

// judgeFiles: a command that failed leaves nothing of its own behind. One that
// could not remove a file, and said so, is excused.
func (c *crash) judgeFiles(f crashFault, o outcome) {
	c.t.Helper()
	said := slices.ContainsFunc(strings.Split(o.err, "\n"), func(line string) bool {
		return strings.Contains(line, "warning: ") && strings.Contains(line, c.path("tmp"))
	})
	if o.killed || f.call == "unlinkat" || said {
		return
	}
	for _, pattern := range []string{"tmp/*", ".*", "usb/.*"} {
		left, _ := filepath.Glob(c.path(pattern))
		for _, path := range left {
			if _, err := os.Stat(filepath.Join(c.before, strings.TrimPrefix(path, c.dir))); err != nil {
				c.t.Errorf("%s is left behind", path)
			}
		}
	}
}

// remains is what of the image before is still in the image: the 16-byte
// pieces, by their offset.
func remains(before, after []byte) map[int]bool {
	there := map[[16]byte]bool{}
	for i := 0; i+16 <= len(after); i++ {
		if p := [16]byte(after[i:]); sealed(p) {
			there[p] = true
		}
	}
	left := map[int]bool{}
	for i := 0; i+16 <= len(before); i += 16 {
		if p := [16]byte(before[i:]); sealed(p) && there[p] {
			left[i] = true
		}
	}
	return left
}

// sealed: a piece of a sealed record has hardly a zero in it.
func sealed(p [16]byte) bool { return bytes.Count(p[:], []byte{0}) < 4 }

// residue is the offset in the image before of something that a clean run
// removes and this one has left, -1 for nothing. Where pages are cut in other
// places, a piece across two records may survive; four in a row are a record.
func residue(clean, left map[int]bool) int {
	for i := range left {
		found := true
		for j := i; j < i+64; j += 16 {
			found = found && left[j] && !clean[j]
		}
		if found {
			return i
		}
	}
	return -1
}
