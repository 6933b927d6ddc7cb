package commands

import (
	"io"
	"slices"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// drawTable draws one table with light borders. Nothing is shortened or
// wrapped: a half of a key reference or a fingerprint is of no use. No other
// file knows the table library.
func drawTable(out io.Writer, columns []string, rows [][]string) {
	light := tw.Rendition{Symbols: tw.NewSymbols(tw.StyleLight)}
	table := tablewriter.NewTable(out,
		tablewriter.WithRenderer(renderer.NewBlueprint(light)),
		tablewriter.WithHeaderAutoFormat(tw.Off),
		tablewriter.WithHeaderAlignment(tw.AlignLeft),
		tablewriter.WithRowAlignment(tw.AlignLeft),
		tablewriter.WithHeaderAutoWrap(tw.WrapNone),
		tablewriter.WithRowAutoWrap(tw.WrapNone),
		tablewriter.WithTrimSpace(tw.Off),
	)
	table.Header(plainAll(columns))
	for _, r := range rows {
		_ = table.Append(plainAll(r)) // fails only for a closed stream
	}
	_ = table.Render() // out keeps its first error itself
}

func plainAll(cells []string) []string {
	safe := slices.Clone(cells)
	for i := range safe {
		safe[i] = plain(safe[i])
	}
	return safe
}

// print puts a leaf's result and error out in the form that was asked for, and
// gives the exit code. A result that could not be written is a failure, too.
func (w *world) print(c *call, result *Result, err error) int {
	if result == nil {
		result = &Result{}
	}
	if err != nil && len(c.begun) > 0 {
		return w.brokeOff(err)
	}
	out := &sink{to: w.out}
	switch {
	case c.JSON():
		err = printJSON(out, result, err)
	case result.List != nil:
		err = printList(out, result.List, err)
	case err == nil || result.View != nil:
		err = firstOf(err, w.printPlain(out, result))
	}
	if len(c.begun) > 0 {
		out.held = c.rest(out.held)
	}
	out.flush()
	if out.err != nil && err == nil {
		err = c.unwritten(result, out.err)
	}
	if err != nil {
		w.explain(err)
		return exitCode(err)
	}
	w.printNext(result)
	return 0
}

func firstOf(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// printPlain prints for eyes, or bytes as they are.
func (w *world) printPlain(out *sink, r *Result) error {
	if r.Raw == nil {
		if r.View != nil {
			r.View.show(out)
		}
		return nil
	}
	if isTerminal(w.out) && !isText(r.Raw) {
		return usageError("give --path FILE, or send standard output to a file",
			"refusing to write binary data to a terminal")
	}
	_, _ = out.Write(r.Raw)
	return nil
}

// printNext tells a person at a terminal how to go on.
func (w *world) printNext(r *Result) {
	if r.Next != "" && isTerminal(w.err) {
		_, _ = io.WriteString(w.err, "next: "+plain(r.Next)+"\n")
	}
}
