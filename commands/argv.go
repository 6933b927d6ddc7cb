package commands

import (
	"strconv"
	"strings"
	"time"
)

// A line is the user's words, understood. words() writes it in the one order
// that urfave/cli parses safely: path, --flag=value each, --, arguments.
// (Left alone the library drops flags that stand after an argument and keeps
// only the first of several words after a flag.)
type line struct {
	path    []string
	flags   []given
	args    []string
	help    bool // -h or --help anywhere, or "help" first
	version bool

	at   *noun // the noun reached
	leaf *leaf // the leaf reached, nil if there is none
}

// given is one flag with one value.
type given struct{ name, value string }

// words is the line as urfave/cli gets it. Reading it again gives the same
// line.
func (l line) words() []string {
	out := append([]string{}, l.path...)
	if l.help {
		out = append(out, "--help")
	}
	if l.version {
		out = append(out, "--version")
	}
	for _, f := range l.flags {
		out = append(out, "--"+f.name+"="+f.value)
	}
	return append(append(out, "--"), l.args...)
}

// answered lines need no leaf: help, the version, or the bare program name.
func (l line) answered() bool { return l.help || l.version || l.leaf == nil }

// readLine understands args. On an error it returns what it has understood so
// far, for the form in which the error is to be printed.
func readLine(root *noun, args []string) (line, error) {
	r := &lineReader{table: newFlagTable(root), rest: args, line: line{at: root}}
	r.lenient = wantsHelp(args)
	if r.lenient {
		r.line.help = true
	}
	if len(args) > 0 && args[0] == "help" {
		r.line.help, r.lenient, r.rest = true, true, args[1:]
	}
	for len(r.rest) > 0 {
		if err := r.next(); err != nil {
			r.findJSON()
			return r.line, err
		}
	}
	return r.line, r.check(root)
}

// wantsHelp looks ahead, for help is given on lines that are wrong otherwise.
func wantsHelp(args []string) bool {
	for _, a := range args {
		switch a {
		case "--":
			return false
		case "-h", "--help":
			return true
		}
	}
	return false
}

// lineReader takes one word after the other.
type lineReader struct {
	table   map[string]flag
	rest    []string
	line    line
	list    string // the list flag that takes the next words
	ended   bool   // -- was seen
	lenient bool   // for help: wrong flags are passed over
}

func (r *lineReader) next() error {
	word := r.rest[0]
	r.rest = r.rest[1:]
	switch {
	case r.ended:
		r.line.args = append(r.line.args, word)
	case word == "--":
		r.ended = true
	case isFlag(word):
		return r.flag(word)
	case r.list != "":
		return r.take(r.table[r.list], word)
	default:
		return r.word(word)
	}
	return nil
}

// isFlag: a lone dash is a word, it stands for standard input or output.
func isFlag(word string) bool { return len(word) > 1 && word[0] == '-' }

func (r *lineReader) add(name, value string) {
	r.line.flags = append(r.line.flags, given{name, value})
}

// word takes a step down the tree; below a leaf it is an argument.
func (r *lineReader) word(word string) error {
	at := r.line.at
	if r.line.leaf != nil {
		r.line.args = append(r.line.args, word)
		return nil
	}
	if below := at.noun(word); below != nil {
		r.line.at = below
	} else if found := at.leaf(word); found != nil {
		r.line.leaf = found
	} else {
		return r.unknownWord(word)
	}
	r.line.path = append(r.line.path, word)
	return nil
}

// flag takes a flag and the words that belong to it.
func (r *lineReader) flag(word string) error {
	r.list = ""
	switch word {
	case "-h", "--help": // wantsHelp has seen it
		return nil
	case "--version":
		r.line.version = true
		return nil
	}
	dashes, name, value, joined := cutFlag(word)
	f, known := r.table[name]
	if !known || (dashes == 1) != (len(name) == 1) {
		if r.lenient {
			return nil
		}
		return r.unknownFlag(name)
	}
	if joined {
		return r.take(f, value)
	}
	return r.follow(f)
}

// cutFlag takes --name=value apart.
func cutFlag(word string) (dashes int, name, value string, joined bool) {
	word, dashes = word[1:], 1
	if word[0] == '-' {
		word, dashes = word[1:], 2
	}
	name, value, joined = strings.Cut(word, "=")
	return dashes, name, value, joined
}

// follow takes a flag's value from the words after it.
func (r *lineReader) follow(f flag) error {
	if f.kind == kindSwitch {
		return r.take(f, "true")
	}
	if len(r.rest) == 0 || isFlag(r.rest[0]) {
		if r.lenient {
			return nil
		}
		return usageError("a value that begins with a dash is written --"+f.name+"=VALUE",
			"--%s needs a value", f.name)
	}
	if f.kind == kindList {
		r.list = f.name
		return nil
	}
	value := r.rest[0]
	r.rest = r.rest[1:]
	return r.take(f, value)
}

// take checks one value and keeps it.
func (r *lineReader) take(f flag, value string) error {
	if r.lenient {
		return nil
	}
	if f.kind != kindList && f.kind != kindEach && r.has(f.name) {
		return usageError("", "--%s is given twice", f.name)
	}
	if wants := f.refuse(value); wants != "" {
		return usageError("", "--%s %s", f.name, wants)
	}
	r.add(f.name, value)
	return nil
}

func (r *lineReader) has(name string) bool {
	for _, g := range r.line.flags {
		if g.name == name {
			return true
		}
	}
	return false
}

// refuse says what the flag wants if value is not that. The value is not
// repeated: what stands after --password-fd by mistake may be a password.
func (f flag) refuse(value string) string {
	switch f.kind {
	case kindNumber:
		if _, err := strconv.Atoi(value); err != nil {
			return "wants a whole number"
		}
	case kindPeriod:
		if d, err := time.ParseDuration(value); err != nil || d < 0 {
			return "wants a time like 90s, 15m or 2h"
		}
	case kindSwitch:
		if value != "true" && value != "false" {
			return "is a switch: it is true or false"
		}
	}
	return ""
}

// findJSON looks whether the rest of a wrong line asks for JSON.
func (r *lineReader) findJSON() {
	for _, word := range r.rest {
		if word == "--" || r.ended {
			return
		}
		if word == "--json" || word == "--json=true" {
			r.add("json", "true")
		}
	}
}
