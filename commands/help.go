package commands

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
)

// The help goes to standard output, and only when it is asked for; a wrong
// line gets its hint on standard error.
const (
	nounHelp = `{{.Name}} - {{.Usage}}

Usage:
  {{.Name}} COMMAND ...

Commands:
{{range .Rows}}  {{index . 0}}{{"\t"}}{{index . 1}}
{{end}}{{if .Exits}}
Exit codes:
{{range .Exits}}  {{index . 0}}{{"\t"}}{{index . 1}}
{{end}}{{end}}
"{{.Name}} COMMAND --help" shows the flags and an example.
`
	leafHelp = `{{.Name}} - {{.Usage}}

Usage:
  {{.Line}}

Example:
{{range .Example}}  {{.}}
{{end}}{{if .Rows}}
Flags:
{{range .Rows}}  {{index . 0}}{{"\t"}}{{index . 1}}
{{end}}{{end}}
Flags of every command:
{{range .Common}}  {{index . 0}}{{"\t"}}{{index . 1}}
{{end}}`
)

// intro is what the bare program name prints: what it is and how to begin.
const intro = `filehsm is a hardware security module in one file: users and roles, keys that
never leave it in the clear, lockout, audit, and backups that bring it back.

  filehsm demo                                       watch an HSM die and come back
  filehsm create --image prod.hsm --label prod --username admin
  filehsm user create --image prod.hsm --as admin --username robot --role AU
  filehsm vault keygen --identity key.txt
  filehsm vault add usb /mnt/usb/hsm --image prod.hsm --as admin --recipient age1...
  filehsm backup create --image prod.hsm --as robot
  filehsm --help                                     all commands and the exit codes
`

// answer prints what needs no leaf to run.
func (w *world) answer(root *noun, l line) int {
	out := &sink{to: w.out}
	switch {
	case l.help:
		l.printHelp(out, root)
	case l.version && w.wantsJSON(l):
		_ = writeObject(out, 0, versionResult().Data)
	case l.version:
		versionResult().View.show(out)
	default:
		fmt.Fprint(out, intro)
	}
	out.flush()
	return exitCode(out.err)
}

func (l line) printHelp(out io.Writer, root *noun) {
	if l.leaf != nil {
		printTemplate(out, leafHelp, l.leafPage())
		return
	}
	page := map[string]any{"Name": l.name(), "Usage": l.at.usage, "Rows": nounRows(l.at)}
	if l.at == root {
		page["Exits"] = exitRows()
	}
	printTemplate(out, nounHelp, page)
}

// printTemplate aligns at tabs, as the library does for its own help.
func printTemplate(out io.Writer, text string, data any) {
	cli.HelpPrinterCustom(out, text, data, nil)
}

// nounRows lists every command below n with what it is for.
func nounRows(n *noun) [][2]string {
	var rows [][2]string
	n.walk(func(path []string, l *leaf) {
		rows = append(rows, [2]string{strings.Join(path, " "), l.usage})
	})
	return rows
}

func exitRows() [][2]string {
	var rows [][2]string
	for _, e := range exits {
		rows = append(rows, [2]string{strconv.Itoa(e.code), e.meaning})
	}
	return rows
}

func (l line) leafPage() map[string]any {
	usage := l.name()
	if l.leaf.args != "" {
		usage += " " + l.leaf.args
	}
	return map[string]any{
		"Name": l.name(), "Usage": l.leaf.usage, "Line": usage + " [FLAGS]",
		"Example": strings.Split(l.leaf.example, "\n"),
		"Rows":    flagRows(l.leaf.flags), "Common": flagRows(commonFlags()),
	}
}

func flagRows(all []flag) [][2]string {
	var rows [][2]string
	for _, f := range all {
		rows = append(rows, [2]string{f.spelling(), f.usage})
	}
	return rows
}

// spelling is the flag as the help shows it.
func (f flag) spelling() string {
	text := "--" + f.name
	if f.short != "" {
		text = "-" + f.short + ", " + text
	}
	switch f.kind {
	case kindSwitch:
		return text
	case kindList:
		return text + " " + f.value + " ..."
	}
	return text + " " + f.value
}
