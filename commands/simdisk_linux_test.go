package commands

import (
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
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
