package commands

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// apply feeds the calls of a process, in the order of parseTrace, and calls
// at before each. A close frees its number when it begins.
func (d *simDisk) apply(calls []traced, at func(traced)) error {
	calls = slices.Clone(calls)
	when := func(c traced) int {
		if c.name == "close" {
			return c.begun
		}
		return c.ended
	}
	slices.SortStableFunc(calls, func(a, b traced) int { return when(a) - when(b) })
	for _, c := range calls {
		at(c)
		if c.result < 0 {
			continue
		}
		if err := d.call(c); err != nil {
			return fmt.Errorf("%s: %w", c, err)
		}
	}
	return nil
}

// touches says whether a call is about a file on this disk.
func (d *simDisk) touches(c traced) bool {
	h := d.fds[c.number(0)]
	if h != nil && h.node != nil {
		return true
	}
	for i := range c.args {
		if text, ok := c.text(i); ok && strings.HasPrefix(text, d.path) {
			return true
		}
	}
	return false
}

// call does one call to the disk. One that is not known to leave files as
// they are is an error if it is about a file of ours.
func (d *simDisk) call(c traced) error {
	if do := simCalls[c.name]; do != nil {
		return do(d, c)
	}
	if !keepsFiles[c.name] && d.touches(c) {
		return fmt.Errorf("nobody knows what this call does to a file")
	}
	return nil
}

// keepsFiles are calls that change no file and no name.
var keepsFiles = map[string]bool{
	"pread64": true, "fstat": true, "newfstatat": true, "getdents64": true, "flock": true,
	"fadvise64": true, "epoll_ctl": true, "ioctl": true, "execve": true,
}

var simCalls = map[string]func(*simDisk, traced) error{
	"openat": (*simDisk).openat,
	"close":  func(d *simDisk, c traced) error { delete(d.fds, c.number(0)); return nil },
	"fcntl": func(d *simDisk, c traced) error {
		if strings.HasPrefix(c.args[1], "F_DUPFD") {
			d.fds[c.result] = d.fds[c.number(0)]
		}
		return nil
	},
	"read":      func(d *simDisk, c traced) error { return d.seek(c, true) },
	"lseek":     func(d *simDisk, c traced) error { return d.seek(c, false) },
	"write":     (*simDisk).write,
	"pwrite64":  func(d *simDisk, c traced) error { return d.put(c, c.number(3)) },
	"ftruncate": (*simDisk).ftruncate,
	"fsync":     (*simDisk).sync,
	"fdatasync": (*simDisk).sync,
	"linkat":    (*simDisk).linkat,
	"renameat":  (*simDisk).renameat,
	"unlinkat":  (*simDisk).unlinkat,
	"mkdirat":   (*simDisk).mkdirat,
	"mmap": func(d *simDisk, c traced) error {
		if h := d.fds[c.number(4)]; h != nil && h.node != nil && strings.Contains(c.args[2], "PROT_WRITE") && strings.Contains(c.args[3], "MAP_SHARED") {
			return fmt.Errorf("a file is written through memory, where nobody sees it")
		}
		return nil
	},
}

// at finds the directory and the name in it that two arguments stand for; nil
// for a place that is not on this disk.
func (d *simDisk) at(c traced, i int) (dir *node, name string, err error) {
	path, ok := c.text(i + 1)
	if !ok {
		return nil, "", fmt.Errorf("no path")
	}
	dir = d.root
	if c.args[i] != "AT_FDCWD" {
		h := d.fds[c.number(i)]
		if h == nil || h.node == nil {
			return nil, "", nil
		}
		dir = h.node
	} else if path, ok = strings.CutPrefix(path, d.path); !ok {
		return nil, "", nil
	}
	words := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	words = slices.DeleteFunc(words, func(w string) bool { return w == "." })
	if len(words) == 0 {
		return dir, "", nil
	}
	for _, w := range words[:len(words)-1] {
		if dir = dir.live[w]; dir == nil || dir.live == nil {
			return nil, "", fmt.Errorf("no directory %q", w)
		}
	}
	return dir, words[len(words)-1], nil
}

func (d *simDisk) openat(c traced) error {
	delete(d.fds, c.result)
	dir, name, err := d.at(c, 0)
	if err != nil || dir == nil {
		return err
	}
	n, flags := dir, c.args[2]
	if name != "" {
		n = dir.live[name]
	}
	if n == nil && strings.Contains(flags, "O_CREAT") {
		n = &node{mode: fs.FileMode(c.number(3)) & 0o777}
		dir.make(name, n, c)
	}
	if n == nil || strings.Contains(flags, "O_TMPFILE") {
		return fmt.Errorf("opened, and it is not there")
	}
	if strings.Contains(flags, "O_TRUNC") && n.size > 0 {
		n.resize(0, c)
	}
	d.fds[c.result] = &handle{node: n, append: strings.Contains(flags, "O_APPEND")}
	return nil
}

func (n *node) resize(size int64, c traced) {
	n.written = append(n.written, write{at: size, done: c.ended})
	n.size = size
}

func (n *node) make(name string, what *node, c traced) {
	n.live[name] = what
	n.moves = append(n.moves, move{made: name, node: what, done: c.ended})
}

func (d *simDisk) seek(c traced, by bool) error {
	h := d.fds[c.number(0)]
	if h != nil && by {
		h.pos += c.result
	} else if h != nil {
		h.pos = c.result
	}
	return nil
}

func (d *simDisk) write(c traced) error {
	h := d.fds[c.number(0)]
	if h == nil {
		return nil
	}
	text, _ := c.text(1)
	switch {
	case h.what == "out":
		d.out += text
		return nil
	case h.what == "err":
		d.err += text
		return nil
	case h.append:
		h.pos = h.node.size
	}
	h.pos += c.result
	return d.put(c, h.pos-c.result)
}

func (d *simDisk) put(c traced, at int64) error {
	h := d.fds[c.number(0)]
	if h == nil || h.node == nil {
		return nil
	}
	text, ok := c.text(1)
	if !ok || int64(len(text)) < c.result {
		return fmt.Errorf("the log has not all that was written")
	}
	h.node.written = append(h.node.written, write{at: at, data: []byte(text[:c.result]), done: c.ended})
	h.node.size = max(h.node.size, at+c.result)
	return nil
}

func (d *simDisk) ftruncate(c traced) error {
	if h := d.fds[c.number(0)]; h != nil && h.node != nil {
		h.node.resize(c.number(1), c)
	}
	return nil
}

// sync makes durable what was done before it began.
func (d *simDisk) sync(c traced) error {
	h := d.fds[c.number(0)]
	if h == nil || h.node == nil {
		return nil
	}
	n := h.node
	for len(n.written) > 0 && n.written[0].done < c.begun {
		n.data = n.written[0].onto(n.data)
		n.written = n.written[1:]
	}
	for len(n.moves) > 0 && n.moves[0].done < c.begun {
		n.moves[0].onto(n.names)
		n.moves = n.moves[1:]
	}
	return nil
}

func (d *simDisk) linkat(c traced) error {
	from, old, err1 := d.at(c, 0)
	to, name, err2 := d.at(c, 2)
	if err := firstOf(err1, err2); err != nil || to == nil {
		return err
	}
	if from == nil || from.live[old] == nil {
		return fmt.Errorf("what is linked is not there")
	}
	to.make(name, from.live[old], c)
	return nil
}

func (d *simDisk) renameat(c traced) error {
	from, old, err1 := d.at(c, 0)
	to, name, err2 := d.at(c, 2)
	if err := firstOf(err1, err2); err != nil || to == nil && from == nil {
		return err
	}
	if from != to || from.live[old] == nil {
		return fmt.Errorf("renamed from elsewhere, which this disk cannot")
	}
	m := move{gone: old, made: name, node: from.live[old], done: c.ended}
	m.onto(from.live)
	from.moves = append(from.moves, m)
	return nil
}

func (d *simDisk) unlinkat(c traced) error {
	dir, name, err := d.at(c, 0)
	if err != nil || dir == nil {
		return err
	}
	delete(dir.live, name)
	dir.moves = append(dir.moves, move{gone: name, done: c.ended})
	return nil
}

func (d *simDisk) mkdirat(c traced) error {
	dir, name, err := d.at(c, 0)
	if err != nil || dir == nil {
		return err
	}
	dir.make(name, &node{mode: fs.FileMode(c.number(2)) & 0o777, names: map[string]*node{}, live: map[string]*node{}}, c)
	return nil
}
