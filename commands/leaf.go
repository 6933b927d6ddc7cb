package commands

// A noun is a word that groups commands: "key", "key wrap". It does nothing
// itself, so it has no flags.
type noun struct {
	name   string
	usage  string // one line: what its commands are about
	nouns  []noun
	leaves []leaf
}

// A leaf is one command that does something, declared as data. The tree in
// tree.go lists every leaf; the flags that all leaves take are added there.
type leaf struct {
	name    string
	usage   string // one line: what it is for, no full stop
	example string // one command per line, as typed, beginning with "filehsm"
	args    string // the words it takes: "NAME DIR", "[NAME]", "NAME..."; "" for none
	flags   []flag
	run     func(*call) (*Result, error)
}

// kind says how many words follow a flag. A flag's name has one kind in the
// whole tree, so that a line can be read before its command is known.
type kind int

const (
	kindText   kind = iota // one word
	kindNumber             // one whole number
	kindPeriod             // one length of time, "90s"
	kindSwitch             // none
	kindEach               // one word, and the flag may be repeated
	kindList               // every word up to the next flag; may be repeated
)

// A flag is one flag of a leaf.
type flag struct {
	name  string
	short string // a single letter, or ""
	kind  kind
	value string // what stands for the value in the help: "FILE"
	usage string // one line, no full stop
}

func textFlag(name, value, usage string) flag {
	return flag{name: name, kind: kindText, value: value, usage: usage}
}

func numberFlag(name, value, usage string) flag {
	return flag{name: name, kind: kindNumber, value: value, usage: usage}
}

func periodFlag(name, usage string) flag {
	return flag{name: name, kind: kindPeriod, value: "TIME", usage: usage}
}

func switchFlag(name, usage string) flag {
	return flag{name: name, kind: kindSwitch, usage: usage}
}

func eachFlag(name, value, usage string) flag {
	return flag{name: name, kind: kindEach, value: value, usage: usage}
}

func listFlag(name, value, usage string) flag {
	return flag{name: name, kind: kindList, value: value, usage: usage}
}

// flags joins groups of flags: flags(newPasswordFlags, []flag{…}).
func flags(groups ...[]flag) []flag {
	var all []flag
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

// noun finds a noun directly below n.
func (n *noun) noun(name string) *noun {
	for i := range n.nouns {
		if n.nouns[i].name == name {
			return &n.nouns[i]
		}
	}
	return nil
}

// leaf finds a leaf directly below n.
func (n *noun) leaf(name string) *leaf {
	for i := range n.leaves {
		if n.leaves[i].name == name {
			return &n.leaves[i]
		}
	}
	return nil
}

// only is n with the one leaf that path leads to, and the nouns on the way:
// making the library's tree of all commands takes longer than most of them run.
func (n *noun) only(path []string) *noun {
	alone := &noun{name: n.name, usage: n.usage}
	if below := n.noun(path[0]); below != nil {
		alone.nouns = []noun{*below.only(path[1:])}
	} else {
		alone.leaves = []leaf{*n.leaf(path[0])}
	}
	return alone
}

// words are the names that may follow n on a line, in the order of the tree.
func (n *noun) words() []string {
	var all []string
	for i := range n.leaves {
		all = append(all, n.leaves[i].name)
	}
	for i := range n.nouns {
		all = append(all, n.nouns[i].name)
	}
	return all
}

// walk calls visit for every leaf below n with the words that lead to it.
func (n *noun) walk(visit func(path []string, l *leaf)) { n.walkFrom(nil, visit) }

func (n *noun) walkFrom(path []string, visit func([]string, *leaf)) {
	below := func(name string) []string { return append(path[:len(path):len(path)], name) }
	for i := range n.leaves {
		visit(below(n.leaves[i].name), &n.leaves[i])
	}
	for i := range n.nouns {
		n.nouns[i].walkFrom(below(n.nouns[i].name), visit)
	}
}
