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
	for _, f := range all {
		name := f.name
		for _, l := range strings.Split(f.value, "\n") {
			text := pad(plain(name), width) + "  " + plain(l)
			_, _ = io.WriteString(out, strings.TrimRight(text, " ")+"\n")
			name = ""
		}
	}
}

// pad is %-*s, which a long listing comes past a hundred thousand times.
func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
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
