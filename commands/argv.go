package commands

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
	r := &lineReader{root: root, rest: args, line: line{at: root}}
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
	root    *noun
	table   map[string]flag // of the whole tree; nil until it is needed
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
		f, _ := r.lookup(r.list)
		return r.take(f, word)
	default:
		return r.word(word)
	}
	return nil
}

// lookup finds a flag by its name or letter: in the leaf, where the words so
// far lead to one, else in the whole tree, which takes longer to make a table
// of. Both give the same, for a flag's name has one meaning in the tree.
func (r *lineReader) lookup(name string) (flag, bool) {
	if r.line.leaf != nil {
		for _, f := range flags(r.line.leaf.flags, commonFlags()) {
			if f.name == name || f.short != "" && f.short == name {
				return f, true
			}
		}
	}
	f, known := r.all()[name]
	return f, known
}

func (r *lineReader) all() map[string]flag {
	if r.table == nil {
		r.table = newFlagTable(r.root)
	}
	return r.table
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
