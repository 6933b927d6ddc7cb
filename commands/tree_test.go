package commands

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// Every leaf says what it is for and shows a line that works.
func TestEveryLeafIsWhole(t *testing.T) {
	root := tree()
	root.walk(func(path []string, l *leaf) {
		name := strings.Join(path, " ")
		if l.usage == "" || strings.HasSuffix(l.usage, ".") {
			t.Errorf("%s: usage %q", name, l.usage)
		}
		if l.run == nil {
			t.Errorf("%s: nothing to run", name)
		}
		if l.example == "" {
			t.Errorf("%s: no example", name)
		}
		for _, example := range strings.Split(l.example, "\n") {
			checkExample(t, root, path, example)
		}
	})
}

// checkExample reads an example as the shell and the program would.
func checkExample(t *testing.T, root *noun, path []string, example string) {
	t.Helper()
	words := shellWords(example)
	if len(words) == 0 || words[0] != program {
		t.Errorf("%v: the example %q does not begin with %s", path, example, program)
		return
	}
	l, err := readLine(root, words[1:])
	if err != nil || !slices.Equal(l.path, path) {
		t.Errorf("%v: the example %q is read as %v, %v", path, example, l.path, err)
	}
}

// shellWords cuts a line at spaces, up to a redirection; quotes hold together.
func shellWords(text string) []string {
	var words []string
	quote, open := rune(0), false
	for _, r := range text {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote = r
			if !open {
				words, open = append(words, ""), true
			}
		case quote == 0 && r == ' ':
			open = false
		case quote == 0 && strings.ContainsRune("<>|;&#", r):
			return words
		default:
			if !open {
				words, open = append(words, ""), true
			}
			words[len(words)-1] += string(r)
		}
	}
	return words
}

// A flag has one kind in the whole tree, and no leaf has it twice.
func TestFlagsHaveOneKind(t *testing.T) {
	type seen struct {
		kind  kind
		where string
	}
	kinds := map[string]seen{}
	tree().walk(func(path []string, l *leaf) {
		name := strings.Join(path, " ")
		own := map[string]bool{}
		for _, f := range flags(l.flags, commonFlags()) {
			if f.usage == "" || f.kind != kindSwitch && f.value == "" {
				t.Errorf("%s --%s: no help", name, f.name)
			}
			for _, n := range []string{f.name, f.short} {
				if n == "" {
					continue
				}
				if own[n] {
					t.Errorf("%s: two flags %q", name, n)
				}
				own[n] = true
				if before, ok := kinds[n]; ok && before.kind != f.kind {
					t.Errorf("--%s is of one kind in %q and of another in %q", n, before.where, name)
				}
				kinds[n] = seen{f.kind, name}
			}
			if f.kind == kindList && l.args != "" {
				t.Errorf("%s has the list flag --%s and arguments", name, f.name)
			}
		}
	})
}

// Only leaves have flags in what the library gets, and none is required: it
// would print its help to standard output.
func TestLibraryTree(t *testing.T) {
	app := newApp(tree(), func(*call, runFunc) {}, &world{})
	if len(app.Flags) > 0 || !app.HideVersion || !app.DisableSliceFlagSeparator || app.ExitErrHandler == nil {
		t.Error("the application acts on its own")
	}
	var check func(all []*cli.Command)
	check = func(all []*cli.Command) {
		for _, c := range all {
			if len(c.Subcommands) > 0 && (len(c.Flags) > 0 || c.Action != nil) {
				t.Errorf("%s: a noun with flags or an action", c.Name)
			}
			if c.OnUsageError == nil || !c.HideHelp {
				t.Errorf("%s: the library's own usage errors or help", c.Name)
			}
			for _, f := range c.Flags {
				if r, ok := f.(cli.RequiredFlag); ok && r.IsRequired() {
					t.Errorf("%s: required flag %v", c.Name, f.Names())
				}
			}
			check(c.Subcommands)
		}
	}
	check(app.Commands)
}

// What the library gets for one line has the leaf of that line and no other;
// the version needs no tree at all, and is the same with one.
func TestOnlyOneLeaf(t *testing.T) {
	root := tree()
	root.walk(func(path []string, l *leaf) {
		n := 0
		root.only(path).walk(func(p []string, found *leaf) {
			if n++; !slices.Equal(p, path) || found.usage != l.usage {
				t.Errorf("%v: the tree has %v", path, p)
			}
		})
		if n != 1 {
			t.Errorf("%v: %d leaves", path, n)
		}
	})
	var short, long, err bytes.Buffer
	w := &world{out: &short, err: &err, lookup: func(string) (string, bool) { return "", false }}
	code := w.answer(nil, line{version: true})
	w.out = &long
	if again := w.run(t.Context(), []string{"--version", "--"}); code != 0 || again != 0 || short.String() != long.String() || short.Len() == 0 {
		t.Errorf("%d %q, and %d %q", code, short.String(), again, long.String())
	}
}

// Every leaf is run by a story.
func TestEveryLeafHasAStory(t *testing.T) {
	root := tree()
	told := map[string]bool{}
	files, err := filepath.Glob("../testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range strings.Split(string(text), "\n") {
			words := shellWords(l)
			if at := slices.Index(words, program); at >= 0 {
				read, _ := readLine(root, words[at+1:])
				told[strings.Join(read.path, " ")] = true
			}
		}
	}
	root.walk(func(path []string, _ *leaf) {
		if name := strings.Join(path, " "); !told[name] {
			t.Errorf("no story runs %q", name)
		}
	})
}
