package commands

import (
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A simDisk is a directory as a sudden loss of power may leave it. It is fed
// with the system calls of one process and knows, file by file and directory
// by directory, what was synced and what was not. What it promises is what
// POSIX does, and no more:
//
//   - what fsync or fdatasync of a file came back from is there;
//   - what was written since may be there, in whole or in part, in any order,
//     down to the sector; the file may be longer without its content;
//   - a name that was made, moved or removed is durable with the sync of its
//     directory; until then it may or may not be, each on its own. To sync
//     the file says nothing about its name. A rename happens or does not.
type simDisk struct {
	path string
	root *node
	fds  map[int64]*handle
	out  string // what the process wrote to its standard output
	err  string
}

// A node is a file or directory, under whatever names.
type node struct {
	mode fs.FileMode
	// A file.
	data    []byte // synced
	written []write
	size    int64 // as the process sees it
	// A directory: nil in a file.
	names map[string]*node // synced
	live  map[string]*node // as the process sees it
	moves []move
}

// A write is one that was not synced; without data it sets the size.
type write struct {
	at   int64
	data []byte
	done int // when it was done
}

// A move is a change of one or two names that was not synced.
type move struct {
	gone, made string
	node       *node
	done       int
}

// A handle is an open file.
type handle struct {
	node   *node
	pos    int64
	append bool
	what   string // of standard output and error, which have no node
}

// newSimDisk is a disk with what lies in a directory now, all of it synced.
func newSimDisk(path string) (*simDisk, error) {
	root, err := readNode(path)
	return &simDisk{path: path, root: root, fds: map[int64]*handle{1: {what: "out"}, 2: {what: "err"}}}, err
}

func readNode(path string) (*node, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	n := &node{mode: info.Mode().Perm()}
	if !info.IsDir() {
		n.data, err = os.ReadFile(path)
		n.size = int64(len(n.data))
		return n, err
	}
	n.names = map[string]*node{}
	entries, err := os.ReadDir(path)
	for _, e := range entries {
		if err == nil {
			n.names[e.Name()], err = readNode(filepath.Join(path, e.Name()))
		}
	}
	n.live = maps.Clone(n.names)
	return n, err
}

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

// onto is the file's content with the write in it.
func (w write) onto(b []byte) []byte {
	if w.data == nil {
		return append(b[:min(w.at, int64(len(b)))], make([]byte, max(0, w.at-int64(len(b))))...)
	}
	if grow := w.at + int64(len(w.data)) - int64(len(b)); grow > 0 {
		b = append(b, make([]byte, grow)...)
	}
	copy(b[w.at:], w.data)
	return b
}

func (m move) onto(names map[string]*node) {
	if m.gone != "" {
		delete(names, m.gone)
	}
	if m.made != "" {
		names[m.made] = m.node
	}
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

// A loss says what becomes of that which was not synced.
type loss struct {
	name        string
	data, names bool       // all of it is kept
	chance      *rand.Rand // some of it is
	piece       int        // in pieces of this size
}

// A leftFile is a file after the loss; a directory has no data and its mode.
type leftFile struct {
	mode fs.FileMode
	data []byte
}

// after is what a loss of power now would leave, by path.
func (d *simDisk) after(l loss) map[string]leftFile {
	left := map[string]leftFile{}
	known := map[*node][]byte{}
	d.root.after("", l, left, known)
	return left
}

func (n *node) after(path string, l loss, left map[string]leftFile, known map[*node][]byte) {
	if n.names == nil {
		if _, ok := known[n]; !ok { // a file of two names has one content
			known[n] = n.content(l)
		}
		left[path] = leftFile{n.mode, known[n]}
		return
	}
	left[path] = leftFile{mode: n.mode | fs.ModeDir}
	names := maps.Clone(n.names)
	for _, m := range n.moves {
		if l.names || l.chance != nil && l.chance.IntN(2) == 0 {
			m.onto(names)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		names[name].after(filepath.Join(path, name), l, left, known)
	}
}

func (n *node) content(l loss) []byte {
	b := slices.Clone(n.data)
	for _, w := range n.written {
		switch {
		case l.data:
			b = w.onto(b)
		case l.chance == nil:
		case w.data == nil:
			if l.chance.IntN(2) == 0 {
				b = w.onto(b)
			}
		default:
			b = w.inPart(b, l)
		}
	}
	return b
}

// inPart keeps some pieces of a write, and sometimes its length without them.
func (w write) inPart(b []byte, l loss) []byte {
	end := w.at + int64(len(w.data))
	if l.chance.IntN(4) == 0 && end > int64(len(b)) {
		b = write{at: end}.onto(b)
	}
	for from := 0; from < len(w.data); {
		to := min(len(w.data), from+l.piece-int(w.at+int64(from))%l.piece)
		if l.chance.IntN(2) == 0 {
			b = write{at: w.at + int64(from), data: w.data[from:to]}.onto(b)
		}
		from = to
	}
	return b
}
