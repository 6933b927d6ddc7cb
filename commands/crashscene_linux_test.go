package commands

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// crash is the scene of one operation under one fault after the other.
type crash struct {
	*scene
	op      crashOp
	strace  string
	before  string         // a directory: the scene as it was
	calls   map[string]int // of a clean run: how often the busiest thread made each
	was, is sight          // before and after a clean run
	image   []byte         // as it was
	judged  map[[32]byte]bool
	count   int
}

// A sight is what can be seen of a scene.
type sight struct {
	state    string
	failures int
	left     map[int]bool // what is still there of the image before
}

func newCrash(t *testing.T, strace string, op crashOp) *crash {
	c := &crash{scene: newScene(t), op: op, strace: strace, before: filepath.Join(memoryDir(t), "before"), judged: map[[32]byte]bool{}}
	for name, value := range op.env {
		c.env[name] = value
	}
	if !op.bare {
		c.populate()
	}
	for _, line := range op.prepare {
		c.prepare(line)
	}
	c.save()
	c.env[sameAgain] = fmt.Sprint(time.Now().UnixMilli())
	c.image, _ = os.ReadFile(c.path("prod.hsm"))
	c.was = c.see()
	c.reset()
	calls, o := c.record()
	if (o.code == 0) != (op.verdict == "") {
		t.Fatalf("exit %d\n%s%s", o.code, o.out, o.err)
	}
	c.countCalls(calls)
	c.is = c.see()
	if op.verdict == "" && (c.was.state == c.is.state) != op.quiet {
		t.Fatalf("nothing shows that it happened: %s", c.is.state)
	}
	t.Logf("old: %s; new: %s", c.was.state, c.is.state)
	return c
}

func (c *crash) save()  { c.put(c.dir, c.before) }
func (c *crash) reset() { c.put(c.before, c.dir) }

// put makes to a copy of from.
func (c *crash) put(from, to string) {
	c.t.Helper()
	c.ok(os.RemoveAll(to))
	c.ok(copyTree(from, to))
}

func (c *crash) countCalls(calls []traced) {
	c.calls = map[string]int{}
	each := map[string]int{}
	for _, call := range calls {
		each[call.name+" "+call.thread]++
		c.calls[call.name] = max(c.calls[call.name], each[call.name+" "+call.thread])
	}
}

// prepare does one line before the operation. "!" is for a line that may
// fail, "tear" spoils the newest change of the image, "attempt" and "half"
// kill what follows as soon as it has counted a login, or has its new state.
func (c *crash) prepare(line string) {
	c.t.Helper()
	first, rest, _ := strings.Cut(line, " ")
	switch first {
	case "remove":
		c.ok(os.RemoveAll(c.path(rest)))
	case "mkdir":
		c.ok(os.Mkdir(c.path(rest), 0o700))
	case "tear":
		c.tear()
	case "half":
		c.half(rest, c.done(rest))
	case "attempt":
		c.half(rest, "")
	default:
		if tried, ok := strings.CutPrefix(line, "!"); ok {
			c.run(tried)
			return
		}
		c.must(line)
	}
}

// tear writes over the newest of the two meta pages.
func (c *crash) tear() {
	image := c.read("prod.hsm")
	newest := 0
	if txid := func(page int) uint64 { return binary.LittleEndian.Uint64(image[page*4096+16+48:]) }; txid(1) > txid(0) {
		newest = 1
	}
	copy(image[newest*4096+16+40:], "torn")
	c.ok(os.WriteFile(c.path("prod.hsm"), image, 0o600))
}

// done is the state that a line leads to.
func (c *crash) done(line string) string {
	c.save()
	c.must(line)
	state := c.see().state
	c.reset()
	return state
}

// half kills a line as early as possible so that a reading command has
// something to finish, and the state afterwards is this one.
func (c *crash) half(line, state string) {
	c.t.Helper()
	c.save()
	kept := c.before + "-half"
	for n := 1; ; n++ {
		c.reset()
		o := c.process(line, c.strace, "-f", "-qq", "-o", c.log(), "-e", fmt.Sprintf("inject=fdatasync:signal=SIGKILL:when=%d", n))
		if !o.killed {
			c.t.Fatalf("killed at no point, %s leaves something to finish", line)
		}
		c.put(c.dir, kept)
		image := c.read("prod.hsm")
		c.must("status")
		if waits := !bytes.Equal(image, c.read("prod.hsm")); waits && (state == "" || c.see().state == state) {
			c.put(kept, c.dir)
			return
		}
	}
}

// tree is what lies in the scene, in one sum.
func (s *scene) tree() (sum [32]byte) {
	s.t.Helper()
	h := sha256.New()
	s.ok(filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "%q %v\n", strings.TrimPrefix(path, s.dir), info.Mode())
		if d.IsDir() {
			return nil
		}
		b, err := os.ReadFile(path)
		fmt.Fprintf(h, "%d\n%s", len(b), b)
		return err
	}))
	return [32]byte(h.Sum(nil))
}
