package commands

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

func (n note) show(out io.Writer) {
	for _, l := range strings.Split(strings.TrimSuffix(string(n), "\n"), "\n") {
		fmt.Fprintln(out, plain(l))
	}
}

// show lines the values up. A value of several lines stays in its column.
func (all facts) show(out io.Writer) {
	width := 0
	for _, f := range all {
		width = max(width, utf8.RuneCountInString(f.name))
	}
	lines := make([]byte, 0, 32*len(all)) // written at once: a long listing has very many
	for _, f := range all {
		name := f.name
		for l := range strings.SplitSeq(f.value, "\n") {
			lines = appendFact(lines, width, plain(name), plain(l))
			name = ""
		}
	}
	_, _ = out.Write(lines)
}

// appendFact appends one line: the name in its column, and the value if there
// is one.
func appendFact(lines []byte, width int, name, value string) []byte {
	if lines = append(lines, name...); strings.TrimRight(value, " ") != "" {
		for range width + 2 - utf8.RuneCountInString(name) {
			lines = append(lines, ' ')
		}
		lines = append(lines, strings.TrimRight(value, " ")...)
	}
	return append(lines, '\n')
}

func (g grid) show(out io.Writer) {
	if len(g.rows) > 0 {
		drawTable(out, g.columns, g.rows)
	} else if g.empty != "" {
		note(g.empty).show(out)
	}
}

func (all views) show(out io.Writer) {
	for i, v := range all {
		if i > 0 {
			fmt.Fprintln(out)
		}
		v.show(out)
	}
}
