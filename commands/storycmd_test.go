package commands

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

func wantArgs(ts *testscript.TestScript, args []string, least, most int, usage string) {
	if len(args) < least || most >= 0 && len(args) > most {
		ts.Fatalf("usage: %s", usage)
	}
}

func cmdExitCode(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, args, 2, -1, "exitcode N CMD...")
	if neg {
		ts.Fatalf("exitcode names the code that is wanted, it has no !")
	}
	err := ts.Exec(args[1], args[2:]...)
	checkExit(ts, args[0], err)
}

func checkExit(ts *testscript.TestScript, want string, err error) {
	got := 0
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		got = failed.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(got) != want {
		ts.Fatalf("exit code %d, want %s", got, want)
	}
}

// normal replaces what is random or a time. The order counts: a backup's name
// has a serial in it.
var normal = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`\b[0-9]{16}-[0-9]+-[0-9]{8}T[0-9]{6,9}Z`), "<BACKUP>"},
	{regexp.MustCompile(`\b[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z| ?UTC|[+-][0-9]{2}:?[0-9]{2})?`), "<TIME>"},
	{regexp.MustCompile(`\b0x[0-9a-f]{16}\b`), "<KEY>"},
	{regexp.MustCompile(`\b0x[0-9a-f]{6}\b`), "<CHECK>"},
	{regexp.MustCompile(`\b0x04[0-9a-f]{100,}\b`), "<POINT>"},
	{regexp.MustCompile(`\bage1[0-9a-z]{50,}`), "<RECIPIENT>"},
	{regexp.MustCompile(`\b[0-9a-f]{64}\b`), "<HASH>"},
	{regexp.MustCompile(`\b[A-Z2-7]{26}\b`), "<VAULT>"},
	{regexp.MustCompile(`"size": [0-9]+`), `"size": <SIZE>`}, // the names of directories are inside
	{regexp.MustCompile(`│ [0-9]{5,} +│`), "│ <SIZE> │"},
	{regexp.MustCompile(`\b[0-9a-f]{32}\b`), "<ID>"},
	{regexp.MustCompile(`\b[0-9]{16}\b`), "<SERIAL>"},
	{regexp.MustCompile(`\b[a-z]{3,8}(-[a-z]{3,8}){5}\b`), "<PASSWORD>"},
	{regexp.MustCompile(`"[0-9A-Za-z+/]{40,}={0,2}"`), `"<BASE64>"`},
}

func normalise(ts *testscript.TestScript, text string) string {
	text = strings.ReplaceAll(text, ts.Getenv("WORK"), "$WORK")
	for _, n := range normal {
		text = n.pattern.ReplaceAllString(text, n.with)
	}
	// the widths of a table are those of what was replaced
	text = regexp.MustCompile("─+").ReplaceAllString(text, "─")
	return regexp.MustCompile(" +│").ReplaceAllString(text, " │")
}

func cmdNorm(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, args, 0, 0, "norm")
	out, errs := ts.ReadFile("stdout"), ts.ReadFile("stderr")
	fmt.Fprint(ts.Stdout(), normalise(ts, out))
	fmt.Fprint(ts.Stderr(), normalise(ts, errs))
}

func cmdJSON(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, args, 1, 2, "json PATH [VALUE]")
	got, found := lookJSON(ts, args[0])
	match := found && (len(args) == 1 || got == args[1])
	if match == neg {
		ts.Fatalf("%s is %q (found: %v)", args[0], got, found)
	}
}

func cmdJSONEnv(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, args, 2, 2, "jsonenv VAR PATH")
	got, found := lookJSON(ts, args[1])
	if !found {
		ts.Fatalf("nothing at %s", args[1])
	}
	ts.Setenv(args[0], got)
}

// lookJSON finds a path in the last stdout, which must be one JSON document.
// Text is given as it is, anything else as compact JSON.
func lookJSON(ts *testscript.TestScript, path string) (string, bool) {
	var at any
	in := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	in.UseNumber()
	ts.Check(in.Decode(&at))
	if in.More() {
		ts.Fatalf("more than one JSON document on stdout")
	}
	for _, step := range strings.Split(path, ".") {
		if at = stepJSON(at, step); at == nil {
			return "", false
		}
	}
	if text, ok := at.(string); ok {
		return text, true
	}
	text, err := json.Marshal(at)
	ts.Check(err)
	return string(text), true
}

func stepJSON(at any, step string) any {
	switch v := at.(type) {
	case map[string]any:
		return v[step]
	case []any:
		if step == "#" {
			return json.Number(strconv.Itoa(len(v)))
		}
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(v) {
			return v[i]
		}
	}
	return nil
}

func cmdFlip(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, args, 2, 2, "flip FILE OFFSET")
	text := []byte(ts.ReadFile(args[0]))
	at, err := strconv.Atoi(args[1])
	ts.Check(err)
	if at < 0 {
		at += len(text)
	}
	if at < 0 || at >= len(text) {
		ts.Fatalf("%s has %d bytes", args[0], len(text))
	}
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_WRONLY, 0)
	ts.Check(err)
	_, err = f.WriteAt([]byte{^text[at]}, int64(at))
	ts.Check(errors.Join(err, f.Close()))
}

func cmdSame(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, args, 2, 2, "same FILE COPY")
	if equal := bytes.Equal([]byte(ts.ReadFile(args[0])), []byte(ts.ReadFile(args[1]))); equal == neg {
		ts.Fatalf("%s and %s: equal is %v", args[0], args[1], equal)
	}
}

func cmdSHA(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, args, 2, 2, "sha FILE VAR")
	ts.Setenv(args[1], fmt.Sprintf("%x", sha256.Sum256([]byte(ts.ReadFile(args[0])))))
}
