package commands

import (
	"io"
	"iter"
)

// A Result is what a leaf returns: one value for programs and one view of the
// same thing for eyes.
//
// A leaf may return a Result together with an error (a backup that not every
// vault took, a check that found damage): the view is printed, then the error;
// in JSON the data carries the error's text as "message".
type Result struct {
	Data any    // for JSON: a struct with json tags, or a map
	View view   // for eyes; nil prints nothing
	List *list  // instead of Data and View, when it may be too long to hold
	Raw  []byte // instead of View: bytes for standard output as they are
	Next string // on a terminal: the line to type next, after "next: "
	Same bool   // there was nothing to change
}

// A view is something to look at. Views escape control characters in what
// they are given, so labels and names from outside need no care.
type view interface{ show(out io.Writer) }

// note is one line.
type note string

// facts is a list of names and values, one in a line.
type facts []fact

type fact struct{ name, value string }

// grid is a table. Without rows it shows empty, if that is not "".
type grid struct {
	columns []string
	rows    [][]string
	empty   string
}

// views shows several views, with a blank line between them. A title is a note.
type views []view

// A list is a result that is printed while it is read. In JSON it is
//
//	{"error_code": 0, "data": {KEY: [item, …], tail…}}
//
// An error from rows within the first 64 KiB is printed as any other error; a
// later one leaves the JSON unfinished, so that no program takes half
// a list for the whole, and the exit code is the error's.
type list struct {
	key     string   // "matched_keys"
	columns []string // for eyes
	rows    iter.Seq2[row, error]
	tail    func() []member // what follows the array; called after the last row; may be nil
	empty   string          // for eyes, when there is no row
	foot    func() string   // for eyes, a line after the table; may be nil
}

// row is one item of a list: the value for JSON and the cells for eyes.
type row struct {
	item  any
	cells []string
}

// member is one more member of a list's data object.
type member struct {
	name  string
	value any
}
