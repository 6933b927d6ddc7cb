package commands

import (
	"path/filepath"
	"strings"
	"time"
)

// A setting is a value that can stand in the configuration. It is looked for
// on the line, in the environment, in the file, and has a default at last.
type setting struct {
	key      string
	flag     string // the flag of the same meaning, "" for none
	env      string // the variable, "" for none
	fallback string
	wants    string // what a right value looks like
	valid    func(value string) bool
}

// settingTable lists every key of the configuration.
func settingTable() []setting {
	return []setting{
		{key: "image", flag: "image", env: "FILEHSM_IMAGE",
			wants: "a path", valid: notEmpty},
		{key: "output", env: "FILEHSM_OUTPUT", fallback: outputTable,
			wants: `"table" or "json"`, valid: isOutput},
		{key: "as", flag: "as",
			wants: "a user name", valid: notEmpty},
		{key: "lock-timeout", flag: "lock-timeout", fallback: "10s",
			wants: "a time like 10s or 2m", valid: isPeriod},
		{key: "ttl", flag: "ttl", fallback: "15m",
			wants: "a time like 15m or 8h", valid: isPeriod},
	}
}

func notEmpty(s string) bool { return s != "" }
func isOutput(s string) bool { return s == outputTable || s == outputJSON }

func isPeriod(s string) bool {
	d, err := time.ParseDuration(s)
	return err == nil && d >= 0
}

// settings are the values that hold for one run, and where each comes from.
type settings []settled

type settled struct {
	key, value, origin string
}

func (all settings) get(key string) settled {
	for _, s := range all {
		if s.key == key {
			return s
		}
	}
	panic("commands: no setting " + key)
}

func (all settings) value(key string) string { return all.get(key).value }

// period is a setting that is a length of time; settle has checked it.
func (all settings) period(key string) time.Duration {
	d, _ := time.ParseDuration(all.value(key))
	return d
}

// loadSettings reads the configuration and settles every value.
func (c *call) loadSettings() error {
	file, err := c.world.readConfig(c.Text("config"))
	if err != nil {
		return err
	}
	for _, s := range settingTable() {
		found, err := c.settle(s, file)
		if err != nil {
			return err
		}
		c.settings = append(c.settings, found)
	}
	return nil
}

// settle takes a setting's value from the first place that has one.
func (c *call) settle(s setting, file *config) (settled, error) {
	if s.flag != "" && c.Given(s.flag) {
		return s.checked(c.Text(s.flag), "--"+s.flag)
	}
	if s.key == "output" && c.Given("json") {
		return settled{s.key, outputOf(c.Switch("json")), "--json"}, nil
	}
	if value := c.world.getenv(s.env); s.env != "" && value != "" {
		return s.checked(value, s.env)
	}
	if value, ok := file.values[s.key]; ok {
		return settled{s.key, value, file.path}, nil
	}
	if s.key == "image" {
		return settled{s.key, c.world.defaultImage(), "default"}, nil
	}
	return settled{s.key, s.fallback, "default"}, nil
}

func outputOf(json bool) string {
	if json {
		return outputJSON
	}
	return outputTable
}

func (s setting) checked(value, origin string) (settled, error) {
	if !s.valid(value) {
		return settled{}, usageError("", "%s: invalid value %q, it wants %s", origin, value, s.wants)
	}
	return settled{s.key, value, origin}, nil
}

// defaultImage is where a user's only image lies. Without a home there is
// none, and the image has to be named.
func (w *world) defaultImage() string {
	if dir := w.userDir("XDG_DATA_HOME", ".local/share"); dir != "" {
		return filepath.Join(dir, program, "default.hsm")
	}
	return ""
}

// userDir is one of the user's base directories. A relative path in the
// variable is invalid, as the XDG specification says, and passed over.
func (w *world) userDir(variable, below string) string {
	if dir := w.getenv(variable); filepath.IsAbs(dir) {
		return dir
	}
	if home := w.getenv("HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, filepath.FromSlash(below))
	}
	return ""
}

// expandHome puts the home directory for a leading "~/".
func (w *world) expandHome(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok && w.getenv("HOME") != "" {
		return filepath.Join(w.getenv("HOME"), rest)
	}
	return path
}
