package commands

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The page has every command, flag, exit code, and every variable that the
// source reads.
func TestManPageIsWhole(t *testing.T) {
	page := manPage(tree(), "1.2.3")
	has := func(what, text string) {
		t.Helper()
		if !strings.Contains(page, text) {
			t.Errorf("%s is not in the page: %s", what, text)
		}
	}
	tree().walk(func(path []string, l *leaf) {
		has("the command", `.SS "`+escapeRoff(program+" "+strings.Join(path, " "))+"\"\n")
		for _, f := range flags(l.flags, commonFlags()) {
			has("the flag", ".TP\n"+f.marked()+"\n")
		}
	})
	for _, row := range exitRows() {
		has("the exit code", bold(row[0])+"\n"+escapeRoff(row[1]))
	}
	for _, name := range variablesRead(t) {
		has("the variable", ".TP\n"+bold(name)+"\n")
	}
}

// variablesRead are the environment's names in the source, the demo's own
// environment aside.
func variablesRead(t *testing.T) (all []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || file == "demo.go" || file == "manwords.go" {
			continue
		}
		names := regexp.MustCompile(`"((?:FILEHSM|CLOUDHSM|XDG)_[A-Z_]+|CREDENTIALS_DIRECTORY|HOME|TMPDIR)"`)
		for _, m := range names.FindAllStringSubmatch(string(read(t, file)), -1) {
			all = append(all, m[1])
		}
	}
	if len(all) < 10 {
		t.Errorf("the search for variables found only %q", all)
	}
	return all
}

func TestEscapeRoff(t *testing.T) {
	for text, want := range map[string]string{
		`a\b`: `a\eb`, "--x": `\-\-x`, ".SH": `\&.SH`, "'x": `\(aqx`, "~/x": `\(ti/x`, "a.b": "a.b",
	} {
		if got := escapeRoff(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
