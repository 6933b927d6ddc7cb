package commands

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/BurntSushi/toml"

	"filehsm/hsmfile"
	"filehsm/hsmfile/attr"
)

// systemConfig holds for every user who has no configuration of his own.
const systemConfig = "/etc/filehsm/config.toml"

// maxConfig bounds what is read before it is parsed.
const maxConfig = 64 << 10

// A config is a configuration file, which is read and never written. One file
// counts, the first that is there: two merged ones would be hard to explain.
type config struct {
	path   string // "" if there is none
	values map[string]string
}

// readConfig reads the file named on the line or in the environment, which
// must be there, else the first of the usual ones that is.
func (w *world) readConfig(named string) (*config, error) {
	if named == "" {
		named = w.getenv("FILEHSM_CONFIG")
	}
	if named != "" {
		return w.loadConfig(named)
	}
	for _, path := range w.configPaths() {
		if _, err := os.Stat(path); err != nil {
			continue // a directory that is closed to us (a service's home) is as good as absent
		}
		return w.loadConfig(path)
	}
	return &config{}, nil
}

func (w *world) configPaths() []string {
	var paths []string
	if dir := w.userDir("XDG_CONFIG_HOME", ".config"); dir != "" {
		paths = append(paths, filepath.Join(dir, program, "config.toml"))
	}
	return append(paths, systemConfig)
}

func (w *world) loadConfig(path string) (*config, error) {
	text, err := readBounded(path, maxConfig)
	if err != nil {
		return nil, configError(err, path)
	}
	values, err := parseConfig(text)
	if err != nil {
		return nil, prefixed(err, path)
	}
	if image, ok := values["image"]; ok {
		values["image"] = w.besideConfig(path, image)
	}
	return &config{path: path, values: values}, nil
}

// besideConfig: a relative image in a configuration lies beside that file; it
// must not depend on where the command happens to be typed.
func (w *world) besideConfig(path, image string) string {
	image = w.expandHome(image)
	if filepath.IsAbs(image) {
		return image
	}
	return filepath.Join(filepath.Dir(path), image)
}

// readBounded takes a regular file, and /dev/null, which stands for an empty
// one. A pipe or another device could keep us waiting before any signal ends it.
func readBounded(path string, most int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() && filepath.Clean(path) != os.DevNull {
		return nil, errors.New("it is not a regular file")
	}
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("larger than %d bytes", most)
	}
	return text, err
}

func configError(err error, path string) error {
	e := &hsmfile.Error{Kind: errUsage, Text: "failed to read the configuration " + quoted(path), Err: err}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		e.Kind = nil // the system's own reason has its exit code
	}
	return e
}

// prefixed names the file in front of what is wrong in it.
func prefixed(err error, path string) error {
	return &hsmfile.Error{Kind: errUsage, Text: "configuration " + quoted(path), Err: err}
}

func quoted(s string) string { return fmt.Sprintf("%q", s) }

// parseConfig reads the text of a configuration: known keys, right values.
func parseConfig(text []byte) (map[string]string, error) {
	raw := map[string]any{}
	if _, err := toml.NewDecoder(bytes.NewReader(text)).Decode(&raw); err != nil {
		return nil, usageError("", "malformed TOML: %s", tomlReason(err))
	}
	values := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(raw)) {
		s, value := findSetting(key), raw[key]
		if s == nil {
			return nil, unknownKey(key)
		}
		word, ok := value.(string)
		if !ok || !s.valid(word) {
			return nil, usageError("", "invalid value of %q, it wants %s in quotes", key, s.wants)
		}
		values[key] = word
	}
	return values, nil
}

// tomlReason is where and why, on one line.
func tomlReason(err error) string {
	if p, ok := errors.AsType[toml.ParseError](err); ok {
		return fmt.Sprintf("line %d: %s", p.Position.Line, p.Message)
	}
	return err.Error()
}

func findSetting(key string) *setting {
	for _, s := range settingTable() {
		if s.key == key {
			return &s
		}
	}
	return nil
}

func unknownKey(key string) error {
	var keys []string
	for _, s := range settingTable() {
		keys = append(keys, s.key)
	}
	hint := "one of: " + strings.Join(keys, ", ")
	if near := attr.Nearest(key, keys); near != "" {
		hint = "did you mean " + quoted(near) + "?"
	}
	return usageError(hint, "unknown key %q", key)
}
