package commands

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"filehsm/hsmfile"
)

// sampleTree has every kind of flag, and words that look alike.
func sampleTree() *noun {
	run := func(*call) (*Result, error) { return &Result{}, nil }
	return &noun{
		name:   program,
		leaves: []leaf{{name: "status", run: run}},
		nouns: []noun{
			{name: "key", leaves: []leaf{
				{name: "list", run: run, flags: []flag{
					listFlag("filter", "WORD", ""), numberFlag("max-items", "N", ""),
					{name: "verbose", short: "v", kind: kindSwitch},
				}},
				{name: "delete", run: run, flags: []flag{listFlag("filter", "WORD", "")}},
			}},
			{name: "vault", leaves: []leaf{
				{name: "add", args: "NAME DIR", run: run, flags: []flag{eachFlag("recipient", "R", "")}},
				{name: "remove", args: "NAME...", run: run},
			}},
		},
	}
}

func TestReadLine(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		{"", "--"},
		{"key list", "key list --"},
		{"--image x key list", "key list --image=x --"},
		{"key --json list --image=x", "key list --json=true --image=x --"},
		{"key list --filter a attr.b=c d --json", "key list --filter=a --filter=attr.b=c --filter=d --json=true --"},
		{"key list --filter a --filter b", "key list --filter=a --filter=b --"},
		{"key list --filter=-a", "key list --filter=-a --"},
		{"key list -v --max-items 3", "key list --verbose=true --max-items=3 --"},
		{"vault add usb --recipient r1 /mnt --recipient r2", "vault add --recipient=r1 --recipient=r2 -- usb /mnt"},
		{"vault add -- -usb --json", "vault add -- -usb --json"},
		{"vault remove a b c", "vault remove -- a b c"},
		{"key list --password-file -", "key list --password-file=- --"},
		{"key list --image=", "key list --image= --"},
		{"key list --nonsense --help", "key list --help --"},
		{"help key list", "key list --help --"},
		{"help", "--help --"},
		{"--version", "--version --"},
	} {
		l, err := readLine(sampleTree(), strings.Fields(test.line))
		if err != nil {
			t.Errorf("%q: %v", test.line, err)
			continue
		}
		if got := strings.Join(l.words(), " "); got != test.want {
			t.Errorf("%q: got %q, want %q", test.line, got, test.want)
		}
	}
}

func TestReadLineRefuses(t *testing.T) {
	for _, test := range []struct{ line, text, hint string }{
		{"key", `"filehsm key" needs a verb`, "one of: list, delete"},
		{"--json", `"filehsm" needs a command`, "one of: status, key, vault"},
		{"keu list", `no command "keu"`, "filehsm key?"},
		{"key lsit", `no command "lsit"`, "filehsm key list?"},
		{"key list --fliter x", `unknown flag "--fliter"`, "--filter?"},
		{"key list -image x", `unknown flag "--image"`, "--image?"},
		{"key delete --max-items 3", `no flag --max-items`, ""},
		{"key list --image", "--image needs a value", "--image=VALUE"},
		{"key list --image --json", "--image needs a value", ""},
		{"key list --filter --json", "--filter needs a value", ""},
		{"key list --image a --image b", "--image is given twice", ""},
		{"key list --max-items many", "--max-items wants a whole number", ""},
		{"key list --lock-timeout 10", "--lock-timeout wants a time", ""},
		{"key list --json=maybe", "--json is a switch", ""},
		{"key list extra", `unexpected word "extra"`, "key list --filter extra?"},
		{"key list --filter a --json extra", `unexpected word "extra"`, "key list --help"},
		{"version", `no command "version"`, "filehsm --version?"},
		{"vault add usb", "needs NAME DIR", ""},
		{"vault add a b c", `unexpected word "c"`, ""},
		{"vault remove", "needs NAME...", ""},
	} {
		_, err := readLine(sampleTree(), strings.Fields(test.line))
		if exitCode(err) != 2 || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%q: got %v, want %q", test.line, err, test.text)
		}
		if hint := hsmfile.HintOf(err); !strings.Contains(hint, test.hint) {
			t.Errorf("%q: hint %q, want %q", test.line, hint, test.hint)
		}
	}
}

func TestPasswordIsNotRepeated(t *testing.T) {
	for _, words := range []string{
		"key list --password hunter2", "key list --password=hunter2", "key list --pasword=hunter2",
		"key list --pin hunter2", "key list --password-fd hunter2", "key list --new-password=hunter2",
		"key list --passwrd-file=hunter2",
	} {
		_, err := readLine(sampleTree(), strings.Fields(words))
		if exitCode(err) != 2 {
			t.Errorf("%q: %v", words, err)
		} else if strings.Contains(err.Error()+hsmfile.HintOf(err), "hunter2") {
			t.Errorf("%q: the message shows the value: %v", words, err)
		}
	}
}

func TestErrorsOfWrongLinesKnowJSON(t *testing.T) {
	for _, words := range []string{"--json key lsit", "key lsit --json", "key list --bogus --json"} {
		l, err := readLine(sampleTree(), strings.Fields(words))
		w := &world{lookup: noEnv}
		if err == nil || !w.wantsJSON(l) {
			t.Errorf("%q: error %v, JSON %v", words, err, w.wantsJSON(l))
		}
	}
}

func noEnv(string) (string, bool) { return "", false }

// A rewritten line is understood as the line that it came from, or a line is
// refused with a usage error.
func FuzzReadLine(f *testing.F) {
	for _, seed := range []string{
		"key\x00list\x00--filter\x00a\x00b", "vault\x00add\x00--\x00-x\x00y", "--help\x00key",
		"key\x00list\x00-v\x00--image=-x", "help\x00--version", "key\x00list\x00--\x00", "-\x00--\x00=",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, joined string) {
		l, err := readLine(sampleTree(), strings.Split(joined, "\x00"))
		if err != nil {
			if !errors.Is(err, errUsage) {
				t.Fatalf("%q: untyped error %v", joined, err)
			}
			return
		}
		again, err := readLine(sampleTree(), l.words())
		if err != nil || !slices.Equal(again.words(), l.words()) {
			t.Fatalf("%q: %q was read again as %q, %v", joined, l.words(), again.words(), err)
		}
	})
}
