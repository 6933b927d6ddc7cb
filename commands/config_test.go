package commands

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"filehsm/hsmfile"
)

// envOf makes an environment of NAME=value words.
func envOf(words ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for _, w := range words {
			if key, value, _ := strings.Cut(w, "="); key == name {
				return value, true
			}
		}
		return "", false
	}
}

// runIn runs one line in an environment and gives all that it printed.
func runIn(env []string, in string, args ...string) (code int, out, errs string) {
	var o, e bytes.Buffer
	w := &world{in: strings.NewReader(in), out: &o, err: &e, lookup: envOf(env...), terminal: noTerminal}
	code = w.run(noContext, args)
	return code, o.String(), e.String()
}

func writeFile(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSettingsComeFromTheFirstPlace(t *testing.T) {
	dir := t.TempDir()
	file := writeFile(t, filepath.Join(dir, "a", "config.toml"), "image = \"file.hsm\"\nlock-timeout = \"3s\"\n")
	xdg := writeFile(t, filepath.Join(dir, "xdg", "filehsm", "config.toml"), "as = \"alice\"\n")
	for _, test := range []struct {
		name string
		env  []string
		args []string
		want string // "key|value|origin"
	}{
		{"nothing", nil, nil, "image||default"},
		{"data home", []string{"XDG_DATA_HOME=/d"}, nil, "image|/d/filehsm/default.hsm|default"},
		{"relative data home", []string{"XDG_DATA_HOME=d"}, nil, "image||default"},
		{"home", []string{"HOME=/h"}, nil, "image|/h/.local/share/filehsm/default.hsm|default"},
		{"file", nil, []string{"--config", file}, "image|" + filepath.Join(dir, "a", "file.hsm") + "|" + file},
		{"file in env", []string{"FILEHSM_CONFIG=" + file}, nil, "lock-timeout|3s|" + file},
		{"xdg file", []string{"XDG_CONFIG_HOME=" + filepath.Join(dir, "xdg")}, nil, "as|alice|" + xdg},
		{"env", []string{"FILEHSM_IMAGE=e.hsm"}, []string{"--config", file}, "image|e.hsm|FILEHSM_IMAGE"},
		{"empty env", []string{"FILEHSM_IMAGE="}, nil, "image||default"},
		{"flag", []string{"FILEHSM_IMAGE=e.hsm"}, []string{"--image", "f.hsm"}, "image|f.hsm|--image"},
		{"time", nil, []string{"--lock-timeout", "1m"}, "lock-timeout|1m|--lock-timeout"},
		{"output", []string{"FILEHSM_OUTPUT=json"}, []string{"--json=false"}, "output|table|--json"},
	} {
		code, out, errs := runIn(test.env, "", append([]string{"config", "show"}, test.args...)...)
		want := strings.Split(test.want, "|")
		if code != 0 || !hasRow(out, want) {
			t.Errorf("%s: exit %d, want %q in\n%s%s", test.name, code, test.want, out, errs)
		}
	}
}

// hasRow finds a table row with these cells.
func hasRow(table string, cells []string) bool {
	for _, l := range strings.Split(table, "\n") {
		var got []string
		for _, c := range strings.Split(strings.Trim(l, "│"), "│") {
			got = append(got, strings.TrimSpace(c))
		}
		if strings.Join(got, "|") == strings.Join(cells, "|") {
			return true
		}
	}
	return false
}

func TestConfigRefusals(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct{ text, want, hint string }{
		{"imgae = \"x\"\n", `unknown key "imgae"`, `did you mean "image"?`},
		{"image = 3\n", `invalid value of "image"`, ""},
		{"image = \"\"\n", `invalid value of "image"`, ""},
		{"output = \"xml\"\n", `invalid value of "output"`, ""},
		{"lock-timeout = \"soon\"\n", `invalid value of "lock-timeout"`, ""},
		{"image = \n", "malformed TOML: line 1", ""},
		{"[session]\nttl = \"1h\"\n", `unknown key "session"`, "one of: image"},
		{strings.Repeat("#", maxConfig+1), "larger than", ""},
	} {
		path := writeFile(t, filepath.Join(dir, "c.toml"), test.text)
		code, out, errs := runIn(nil, "", "config", "show", "--config", path)
		if code != 2 || out != "" || !strings.Contains(errs, test.want) || !strings.Contains(errs, path) || !strings.Contains(errs, test.hint) {
			t.Errorf("%.20q: exit %d, %s", test.text, code, errs)
		}
	}
	if code, _, errs := runIn(nil, "", "config", "show", "--config", filepath.Join(dir, "none")); code != 6 {
		t.Errorf("missing file: exit %d, %s", code, errs)
	}
	if code, _, errs := runIn([]string{"FILEHSM_OUTPUT=yaml"}, "", "config", "show"); code != 2 || !strings.Contains(errs, "FILEHSM_OUTPUT") {
		t.Errorf("wrong environment: exit %d, %s", code, errs)
	}
}

// What is accepted is strings for known keys: written out and read again, it
// is the same. All else is a usage error.
func FuzzParseConfig(f *testing.F) {
	for _, seed := range []string{"", "image = \"x\"", "output='json'\nttl=\"1h\"", "as=\"a\\u0000\"", "[a]\nb=1", "image"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		values, err := parseConfig(text)
		if err != nil {
			if !errors.Is(err, hsmfile.ErrUsage) && !errors.Is(err, errUsage) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		var out bytes.Buffer
		if err := toml.NewEncoder(&out).Encode(values); err != nil {
			t.Fatal(err)
		}
		again, err := parseConfig(out.Bytes())
		if err != nil || !maps.Equal(values, again) {
			t.Fatalf("%v became %v, %v", values, again, err)
		}
	})
}
