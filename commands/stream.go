package commands

import (
	"fmt"
	"io"
)

// pageRows is how many rows of a long list make one table: widths are known
// only after the rows, and a table is never shortened, so a long list is a
// column of tables, each with its header.
const pageRows = 500

// streamJSON writes a list element by element.
func streamJSON(out *sink, l *list) error {
	fmt.Fprintf(out, "{\n  \"error_code\": 0,\n  \"data\": {\n    %q: [", l.key)
	count := 0
	for r, err := range l.rows {
		if err == nil {
			err = writeItem(out, count, r.item)
		}
		if err != nil {
			return broken(out, err)
		}
		count++
	}
	if count > 0 {
		fmt.Fprint(out, "\n    ")
	}
	fmt.Fprint(out, "]")
	if err := l.writeTail(out); err != nil {
		return broken(out, err)
	}
	fmt.Fprint(out, "\n  }\n}\n")
	return nil
}

func writeItem(out io.Writer, before int, item any) error {
	body, err := encode(item, "      ")
	if err != nil {
		return err
	}
	if before > 0 {
		fmt.Fprint(out, ",")
	}
	fmt.Fprintf(out, "\n      %s", body)
	return nil
}

func (l *list) writeTail(out io.Writer) error {
	if l.tail == nil {
		return nil
	}
	for _, m := range l.tail() {
		body, err := encode(m.value, "    ")
		if err != nil {
			return err
		}
		fmt.Fprintf(out, ",\n    %q: %s", m.name, body)
	}
	return nil
}

// broken ends a list in the middle. What is already out stays unfinished, so
// that nobody reads half a list as the whole.
func broken(out *sink, err error) error {
	out.drop()
	if !out.gone {
		_ = writeObject(out, exitCode(err), plain(err.Error()))
	}
	return err
}

// printList draws a list for eyes, page by page.
func printList(out *sink, l *list, err error) error {
	if err != nil {
		return err
	}
	var held [][]string
	drawn := false
	for r, err := range l.rows {
		if err != nil {
			out.drop()
			return err
		}
		if held = append(held, r.cells); len(held) == pageRows {
			drawTable(out, l.columns, held)
			held, drawn = nil, true
		}
	}
	if len(held) > 0 {
		drawTable(out, l.columns, held)
	} else if !drawn && l.empty != "" {
		note(l.empty).show(out)
	}
	if l.foot != nil {
		note(l.foot()).show(out)
	}
	return nil
}
