package commands

import (
	"fmt"
	"strings"
)

func manLeaf() leaf {
	return leaf{
		name:    "man",
		usage:   "print the manual page",
		example: program + " man | man -l -\n" + program + " man > /usr/local/share/man/man1/" + program + ".1",
		run: func(*call) (*Result, error) {
			page := manPage(tree(), buildVersion())
			return &Result{Data: object{{"page", page}}, Raw: []byte(page)}, nil
		},
	}
}

// manPage is the whole manual, in roff. What it says of commands, flags and
// exit codes comes from the tables that the program works by, so it cannot say
// anything else. It carries no date: the same version prints the same bytes.
func manPage(root *noun, version string) string {
	p := &roff{}
	p.macro("TH", strings.ToUpper(program), "1", "", program+" "+version, "User Commands")
	p.section("NAME")
	p.text(program + " - " + root.usage)
	p.section("SYNOPSIS")
	p.paragraph(bold(program) + " " + italic("COMMAND") + " [" + italic("FLAGS") + "]")
	p.section("DESCRIPTION")
	for _, text := range manDescription {
		p.paragraph(escapeRoff(text))
	}
	p.section("COMMANDS")
	root.walk(p.command)
	p.section("FLAGS OF EVERY COMMAND")
	p.flags(commonFlags())
	p.section("EXIT STATUS")
	p.entries(exitRows())
	p.section("ENVIRONMENT")
	p.text("An empty variable is an unset one.")
	p.entries(manEnvironment)
	p.section("FILES")
	p.entries(manFiles)
	p.section("SEE ALSO")
	p.paragraph(bold("age") + "(1)")
	return p.String()
}

// A roff is a page in the making.
type roff struct {
	strings.Builder
	begun bool // a section has just begun, and with it a paragraph
}

func (p *roff) macro(name string, args ...string) {
	p.WriteString("." + name)
	for _, a := range args {
		p.WriteString(` "` + strings.ReplaceAll(escapeRoff(a), `"`, `\(dq`) + `"`)
	}
	p.WriteString("\n")
}

func (p *roff) section(title string) {
	p.macro("SH", title)
	p.begun = true
}

// text is one line of running text.
func (p *roff) text(s string) {
	fmt.Fprintln(p, escapeRoff(s))
	p.begun = false
}

// paragraph begins a new one; what is marked up in it is roff already.
func (p *roff) paragraph(marked string) {
	if !p.begun {
		p.WriteString(".PP\n")
	}
	fmt.Fprintln(p, marked)
	p.begun = false
}

// command is a leaf: what it is for, how it is typed, its flags, an example.
func (p *roff) command(path []string, l *leaf) {
	name := strings.Join(append([]string{program}, path...), " ")
	p.macro("SS", name)
	p.text(l.usage + ".")
	line := bold(name)
	if l.args != "" {
		line += " " + italic(l.args)
	}
	p.paragraph(line + " [" + italic("FLAGS") + "]")
	p.flags(l.flags)
	p.WriteString(".PP\nExample:\n.PP\n.RS 4\n.nf\n")
	for _, example := range strings.Split(l.example, "\n") {
		p.text(example)
	}
	p.WriteString(".fi\n.RE\n")
}

func (p *roff) flags(all []flag) {
	for _, f := range all {
		p.entry(f.marked(), f.usage)
	}
}

func (p *roff) entries(rows [][2]string) {
	for _, row := range rows {
		p.entry(bold(row[0]), row[1])
	}
}

// entry is a term that is marked up, and what it means.
func (p *roff) entry(term, meaning string) {
	fmt.Fprintf(p, ".TP\n%s\n%s\n", term, escapeRoff(strings.ReplaceAll(meaning, "\n", " ")))
}

// marked is spelling with the words that are typed in bold and those that
// stand for others in italics.
func (f flag) marked() string {
	name, value, _ := strings.Cut(f.spelling(), " "+f.value)
	if f.kind == kindSwitch {
		return bold(f.spelling())
	}
	return bold(name) + " " + italic(f.value+value)
}

func bold(s string) string   { return `\fB` + escapeRoff(s) + `\fR` }
func italic(s string) string { return `\fI` + escapeRoff(s) + `\fR` }

// escapeRoff: a dash is to stay the one that can be typed, and no text may
// begin a line as a macro does.
func escapeRoff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "~", `\(ti`, "^", `\(ha`, "`", `\(ga`).Replace(s)
	if strings.HasPrefix(s, ".") {
		s = `\&` + s
	}
	return s
}
