package commands

import (
	"slices"
	"strings"

	"filehsm/hsmfile/attr"
)

// check holds the whole line against the leaf that it reached.
func (r *lineReader) check(root *noun) error {
	l := r.line
	if l.help || l.version {
		return nil
	}
	if l.leaf == nil {
		return r.checkNoun(root)
	}
	for _, g := range l.flags {
		if !slices.Contains(l.leaf.flagNames(), g.name) {
			return r.foreignFlag(g.name)
		}
	}
	if err := l.checkArgs(); err != nil {
		return err
	}
	return l.checkPaths()
}

// ownWords are flags with a path that say themselves what an empty one is.
var ownWords = []string{"image", "path", "password-file", "new-password-file"}

// checkPaths refuses an empty path, which a variable that is not set leaves
// behind: it must not stand for the current directory, or for no path at all.
func (l line) checkPaths() error {
	for _, f := range flags(l.leaf.flags, commonFlags()) {
		if f.value != "FILE" && f.value != "DIR" || slices.Contains(ownWords, f.name) {
			continue
		}
		if slices.ContainsFunc(l.flags, func(g given) bool { return g.name == f.name && g.value == "" }) {
			return usageError("name a path, or leave the flag out", "--%s is empty", f.name)
		}
	}
	for i, name := range strings.Fields(l.leaf.args) {
		if name == "DIR" && l.args[i] == "" {
			return usageError("name a directory", "%q: DIR is empty", l.name())
		}
	}
	return nil
}

// checkNoun: the bare program name is greeted, anything else needs a verb.
func (r *lineReader) checkNoun(root *noun) error {
	if r.line.at == root && len(r.line.flags)+len(r.line.args) == 0 {
		return nil
	}
	what := "verb"
	if r.line.at == root {
		what = "command"
	}
	return usageError("one of: "+strings.Join(r.line.at.words(), ", "), "%q needs a %s", r.line.name(), what)
}

// name is the path as the user types it.
func (l line) name() string { return strings.Join(append([]string{program}, l.path...), " ") }

// flagNames are all flags that the leaf takes.
func (l *leaf) flagNames() []string {
	var names []string
	for _, f := range flags(l.flags, commonFlags()) {
		names = append(names, f.name)
	}
	return names
}

// checkArgs holds the number of arguments against what the leaf takes.
func (l line) checkArgs() error {
	takes := strings.Fields(l.leaf.args)
	least, most := 0, len(takes)
	for _, t := range takes {
		if !strings.HasPrefix(t, "[") {
			least++
		}
		if strings.HasSuffix(strings.Trim(t, "[]"), "...") {
			most = len(l.args)
		}
	}
	switch {
	case len(l.args) < least:
		return usageError(l.helpHint(), "%q needs %s", l.name(), l.leaf.args)
	case len(l.args) > most:
		return usageError(l.strayHint(l.args[most]), "unexpected word %q after %q", l.args[most], l.name())
	}
	return nil
}

// strayHint is for a word that is the value of a flag left out: a user's name
// or a key's label, on a leaf that takes one.
func (l line) strayHint(word string) string {
	names := l.leaf.flagNames()
	for _, name := range []string{"username", "filter", "label"} {
		given := slices.ContainsFunc(l.flags, func(g given) bool { return g.name == name })
		if l.leaf.args == "" && !given && slices.Contains(names, name) {
			return "did you mean " + l.name() + " --" + name + " " + shellQuoted(word) + "?"
		}
	}
	return l.helpHint()
}

func (l line) helpHint() string { return l.name() + " --help" }

// passwordWords are flags in which people expect to give a password.
var passwordWords = []string{"password", "new-password", "change-password", "passphrase", "pin"}

// unknownFlag refuses a flag that no command has. Only its name is repeated,
// never what stands behind it: that may be a password.
func (r *lineReader) unknownFlag(name string) error {
	near := attr.Nearest(name, r.choices())
	if slices.Contains(passwordWords, name) || near == "" && attr.Nearest(name, passwordWords) != "" {
		return usageError("use --password-file FILE, --password-fd N or FILEHSM_PIN "+
			"(for a new one --new-password-file FILE or --generate-password), or type it at the prompt",
			"a password is never given in a flag's value, where every process list shows it")
	}
	if err := cloudHSMFlag(name); err != nil {
		return err
	}
	hint := r.line.helpHint()
	if near != "" {
		hint = "did you mean --" + near + "?"
	}
	return usageError(hint, "unknown flag %q", "--"+name)
}

// choices are the flags that could have been meant: the leaf's, if it is known.
func (r *lineReader) choices() []string {
	if r.line.leaf != nil {
		return r.line.leaf.flagNames()
	}
	var all []string
	for name := range r.all() {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// foreignFlag refuses a flag that belongs to other commands.
func (r *lineReader) foreignFlag(name string) error {
	hint := r.line.helpHint()
	if near := attr.Nearest(name, r.line.leaf.flagNames()); near != "" {
		hint = "did you mean --" + near + "?"
	}
	return usageError(hint, "%q has no flag --%s", r.line.name(), name)
}

// unknownWord refuses a noun or verb that does not exist.
func (r *lineReader) unknownWord(word string) error {
	choices := r.line.at.words()
	hint := "one of: " + strings.Join(choices, ", ")
	if r.line.at.name == program && word == "version" {
		hint = "did you mean " + program + " --version?"
	} else if near := attr.Nearest(word, choices); near != "" {
		hint = "did you mean " + strings.Join(append([]string{r.line.name()}, near), " ") + "?"
	}
	return usageError(hint, "%q has no command %q", r.line.name(), word)
}
