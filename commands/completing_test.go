package commands

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
)

// words runs a line in a world without terminal, home or variables.
func words(t *testing.T, line ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	w := &world{in: strings.NewReader(""), out: &stdout, err: &stderr,
		lookup:   func(string) (string, bool) { return "", false },
		terminal: func() (*os.File, error) { return nil, errors.New("no terminal") }}
	return w.run(context.Background(), line), stdout.String(), stderr.String()
}

// mustRun runs lines that have to succeed.
func mustRun(t *testing.T, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if code, _, errs := words(t, strings.Fields(line)...); code != 0 {
			t.Fatalf("%s: exit code %d\n%s", line, code, errs)
		}
	}
}

// prepare goes to a directory with an image, its users and some keys.
func prepare(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	// data has the length of a digest as well
	for _, name := range []string{"admin.pw", "alice.pw", "data"} {
		if err := os.WriteFile(name, []byte("blue horses count slowly at dawn"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mustRun(t,
		"create --image p.hsm --label p --username admin --new-password-file admin.pw",
		"user create --image p.hsm --username alice --role CU --new-password-file alice.pw --as admin --password-file admin.pw",
		asAlice+"key generate-symmetric aes --label kek --usage wrap",
		asAlice+"key generate-symmetric aes --label data --usage encrypt",
		asAlice+"key generate-asymmetric-pair rsa --label rsa --usage sign --modulus-size-bits 2048",
		asAlice+"key wrap aes-zero-pad --payload-filter data --wrapping-filter kek --path wrapped")
}

const asAlice = "--image p.hsm --as alice --password-file alice.pw "

// Every fixed word is one that its command takes: offered is what works. A
// word that does not exist is a usage error in the same place.
func TestOfferedWordsWork(t *testing.T) {
	prepare(t)
	for name, line := range map[string]string{
		"lockout":        "create --label p --image lockout.hsm --lockout",
		"reset":          "create --label p --image reset.hsm --reset",
		"mode":           "create --label p --image mode.hsm --mode",
		"role":           asAlice + "user unlock --username alice --role",
		"audit-level":    "--image p.hsm --as admin --password-file admin.pw policy set --audit-level",
		"curve":          asAlice + "key generate-asymmetric-pair ec --label tls --curve",
		"usage":          asAlice + "key generate-symmetric generic-secret --label s --key-length-bytes 32 --usage",
		"hash-function":  asAlice + "crypto sign rsa-pkcs --key-filter rsa --data-path data --hash-function",
		"data-type":      asAlice + "crypto sign rsa-pkcs --key-filter rsa --data-path data --hash-function sha256 --data-type",
		"encoding":       asAlice + "key generate-file --filter rsa --path rsa.pem --encoding",
		"key-type-class": asAlice + "key unwrap aes-zero-pad --filter kek --data-path wrapped --label new --key-type-class",
	} {
		if code, _, errs := words(t, append(strings.Fields(line), "nonsense")...); code != 2 {
			t.Errorf("--%s nonsense: exit code %d\n%s", name, code, errs)
		}
		for _, word := range valueSources[name](nil) {
			_, _, errs := words(t, append(strings.Fields(line), word)...)
			if strings.Contains(errs, "invalid") || strings.Contains(errs, "unknown") || strings.Contains(errs, quoted(word)+" comes") {
				t.Errorf("--%s %s: %s", name, word, errs)
			}
			os.Remove(name + ".hsm")
		}
	}
}

// The tables name flags and commands that exist.
func TestSourcesAreReached(t *testing.T) {
	root := tree()
	table := newFlagTable(root)
	for name := range valueSources {
		if _, ok := table[name]; !ok {
			t.Errorf("no command has --%s", name)
		}
	}
	known := map[string]bool{}
	root.walk(func(path []string, _ *leaf) { known[strings.Join(path, " ")] = true })
	for name := range argumentSources {
		if !known[name] {
			t.Errorf("there is no command %q", name)
		}
	}
	for name := range newNames {
		if !known[name] {
			t.Errorf("there is no command %q", name)
		}
	}
}

// bash parts words at "=".
func TestGlue(t *testing.T) {
	for _, c := range []struct {
		words, want string
		cut         int
	}{
		{"", "", 0},
		{"a|b", "a|b", 0},
		{"--curve|=|sec", "--curve=sec", 8},
		{"--curve|=", "--curve=", 8},
		{"--a|=|b|c|", "--a=b|c|", 0},
		{"--a|=|attr.label|=|x", "--a=attr.label=x", 15},
		{"a|==|b", "a==b", 3},
		{"=|a", "=|a", 0},
		{"a=b|c=", "a=b|c=", 0},
	} {
		got, cut := glue(strings.Split(c.words, "|"))
		if strings.Join(got, "|") != c.want || cut != c.cut {
			t.Errorf("%s: %q, %d", c.words, got, cut)
		}
	}
	if got, _ := glue(nil); !slices.Equal(got, []string{""}) {
		t.Errorf("nothing: %q", got)
	}
}

// What a killed process left to finish is not finished by a key press: the
// next command does that.
func TestCompletionLeavesMarks(t *testing.T) {
	prepare(t)
	mark(t, "p.hsm")
	before := read(t, "p.hsm")
	if code, out, errs := words(t, completeWord, "--image", "p.hsm", "--as", ""); code != 0 || out != "words\n" || errs != "" {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	if !bytes.Equal(before, read(t, "p.hsm")) {
		t.Error("the image was changed")
	}
	mustRun(t, "status --image p.hsm")
	if bytes.Equal(before, read(t, "p.hsm")) {
		t.Error("the mark was none: nothing was finished")
	}
	if _, out, _ := words(t, completeWord, "--image", "p.hsm", "--as", ""); out != "words\nadmin\t\nalice\t\n" {
		t.Errorf("afterwards: %s", out)
	}
}

// mark leaves the image as a process that is killed before its scrub does.
func mark(t *testing.T, path string) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{PageSize: 4096, FreelistType: bbolt.FreelistArrayType})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("records")).Put([]byte("vmscrub"), []byte("1"))
	}); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The shell types an answer as it is.
func TestOnlyHarmlessNames(t *testing.T) {
	got := harmless([]string{"alice", "$(touch x)", "a b", "`x`", "-rf", "", "bob-2.x_y", "a;b", "\x1b[2J", "a\tb", "a\nb"})
	if !slices.Equal(got, []string{"alice", "bob-2.x_y"}) {
		t.Errorf("%q", got)
	}
}

// A pipe or a directory in the image's place is not waited for.
func TestCompletionOfNoImage(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "none"), os.DevNull} {
		if code, out, errs := words(t, completeWord, "--image", path, "--as", ""); code != 0 || out != "words\n" || errs != "" {
			t.Errorf("%s: exit code %d\n%s%s", path, code, out, errs)
		}
	}
}

// Whatever the line, there is an answer.
func FuzzComplete(f *testing.F) {
	for _, line := range []string{"", "key ge", "--curve = sec", "help user ", "login -- x", "a = = =", "key list -v --filter attr.class=", "--image=x --as "} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		code, out, errs := words(t, append([]string{completeWord, "--image", os.DevNull}, strings.Split(line, " ")...)...)
		kind, _, _ := strings.Cut(out, "\n")
		if code != 0 || errs != "" || !slices.Contains([]string{replyWords, replyFiles, replyDirectories}, kind) {
			t.Errorf("exit code %d\n%s%s", code, out, errs)
		}
	})
}
