package commands

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/cryptotest"
	"time"

	"filehsm/hsmfile/hsmtest"
)

// A scene is an HSM in a directory of its own, with a vault, users and their
// password files, for tests that need more than one process or a fault.
// Commands run inside the test (run) or as processes (command).
type scene struct {
	t         *testing.T
	dir       string
	env       map[string]string
	recipient string // of key.txt
}

// scenePasswords are the password files of every scene. No other text of a
// scene contains one of them.
var scenePasswords = map[string]string{
	"admin.pw": "admin-correct-horse-1",
	"alice.pw": "alice-battery-staple-2",
	"bob.pw":   "bob-sings-at-midnight-3",
	"new.pw":   "alice-has-another-one-4",
	"wrong.pw": "nobody-ever-had-this-5",
}

// newScene is a bare directory with the password files.
func newScene(t *testing.T) *scene {
	s := sceneIn(memoryDir(t))
	s.t = t
	for _, name := range []string{"home", "state", "run", "tmp", "usb"} {
		s.ok(os.Mkdir(s.path(name), 0o700))
	}
	for name, text := range scenePasswords {
		s.ok(os.WriteFile(s.path(name), []byte(text+"\n"), 0o600))
	}
	return s
}

// sceneIn is a scene that is in a directory already.
func sceneIn(dir string) *scene {
	s := &scene{dir: dir}
	s.env = map[string]string{
		"HOME": s.path("home"), "XDG_STATE_HOME": s.path("state"), "XDG_RUNTIME_DIR": s.path("run"),
		"TMPDIR": s.path("tmp"), "PATH": os.Getenv("PATH"), "FILEHSM_IMAGE": s.path("prod.hsm"),
		"WORK": s.path("none"), "GORACE": "atexit_sleep_ms=0",
	}
	return s
}

// memoryDir is a directory in memory where there is one: a test that causes its
// faults itself need not wait for a disk.
func memoryDir(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "filehsm-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// populate makes the image, its users and a vault.
func (s *scene) populate() {
	s.must("create --label prod --username admin --new-password-file admin.pw")
	s.must("user create --username alice --role CU --new-password-file alice.pw" + byAdmin)
	s.must("user create --username bob --role CU --new-password-file bob.pw" + byAdmin)
	s.must("vault keygen --identity key.txt --json")
	words := strings.Fields(string(s.read("key.txt")))
	s.recipient = words[slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "age1") })]
	s.must("vault add usb usb --recipient RECIPIENT" + byAdmin)
	s.must("key generate-symmetric aes --label first" + byAlice)
	s.must("key generate-symmetric aes --label second" + byAlice)
}

const (
	byAdmin = " --as admin --password-file admin.pw"
	byAlice = " --as alice --password-file alice.pw"
	byBob   = " --as bob --password-file bob.pw"
)

// bareProgram is the program without the watch over what it prints.
const bareProgram = "filehsm-bare"

// sameAgain makes a process of the bare program do the same each time: it is
// the time, in Unix milliseconds, and the seed of all that is random.
const sameAgain = "SCENE_SAME_AGAIN"

// runBare stays on one thread as far as it can, because strace counts calls
// thread by thread.
func runBare() {
	leaveTerminal()
	turnClock()
	runtime.LockOSThread()
	if ms, err := strconv.ParseInt(os.Getenv(sameAgain), 10, 64); err == nil {
		hsmtest.SetClock(func() time.Time { return time.UnixMilli(ms) })
		cryptotest.SetGlobalRandom(new(testing.T), uint64(ms))
	}
	os.Exit(Run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

func (s *scene) path(name string) string { return filepath.Join(s.dir, name) }

func (s *scene) ok(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) read(name string) []byte {
	s.t.Helper()
	b, err := os.ReadFile(s.path(name))
	s.ok(err)
	return b
}

// words makes a line's words, with the scene's own files by their full paths:
// tests run side by side, so none may change the directory. The directory of a
// vault has the vault's name.
func (s *scene) words(line string) []string {
	words := strings.Fields(line)
	for i, w := range words {
		if strings.HasSuffix(w, ".pw") || strings.HasSuffix(w, ".txt") || strings.HasSuffix(w, ".hsm") ||
			(i > 0 && w == words[i-1]) || (i > 0 && words[i-1] == "--from") {
			words[i] = s.path(w)
		}
		if w == "RECIPIENT" {
			words[i] = s.recipient
		}
	}
	return words
}

// An outcome is what a command said and how it ended.
type outcome struct {
	code     int
	killed   bool
	halfway  bool // it could not go back: it may have left what is between the old state and the new
	volatile bool // what it made may be gone with the power
	out, err string
}

// run runs a line inside the test.
func (s *scene) run(line string) outcome { return s.runIn(context.Background(), line) }

// runIn is run with a context of the test's.
func (s *scene) runIn(ctx context.Context, line string) outcome {
	var out, errs bytes.Buffer
	w := &world{in: strings.NewReader(""), out: &out, err: &errs, terminal: func() (*os.File, error) { return nil, fs.ErrNotExist },
		lookup: func(name string) (string, bool) { v, ok := s.env[name]; return v, ok }}
	code := w.run(ctx, s.words(line))
	return outcome{code: code, out: out.String(), err: errs.String()}
}

// must is run for what has to succeed.
func (s *scene) must(line string) outcome {
	s.t.Helper()
	o := s.run(line)
	if o.code != 0 {
		s.t.Fatalf("%s: exit %d\n%s%s", line, o.code, o.out, o.err)
	}
	return o
}

// process runs a line as a process, under a tracer or limiter if one is given.
func (s *scene) process(line string, before ...string) outcome {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), processLimit)
	defer cancel()
	o, err := s.processIn(ctx, line, before...)
	s.ok(err)
	return o
}

// processLimit is longer than a busy machine takes for any process, but for one
// that has been given a longer --lock-timeout.
const processLimit = 5 * time.Minute

// processIn is process with a context of the test's, also for goroutines that are
// not the test's own and so may not end it.
func (s *scene) processIn(ctx context.Context, line string, before ...string) (outcome, error) {
	words := append(append(slices.Clone(before), bareProgram), s.words(line)...)
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	for name, value := range s.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if ctx.Err() != nil {
		return outcome{}, fmt.Errorf("%s: hangs", line)
	}
	if cmd.ProcessState == nil {
		return outcome{}, err
	}
	code := cmd.ProcessState.ExitCode()
	return outcome{code: code, killed: code < 0, out: out.String(), err: errs.String()}, nil
}

// data is the data member of a command's JSON answer.
func (s *scene) data(line string, into any) outcome {
	s.t.Helper()
	o := s.run(line + " --json")
	if o.code != 0 {
		return o
	}
	answer := struct{ Data any }{into}
	if err := json.Unmarshal([]byte(o.out), &answer); err != nil {
		s.t.Fatalf("%s: %v\n%s", line, err, o.out)
	}
	return o
}

// labels are the labels of a user's keys, sorted.
func (s *scene) labels(who string) ([]string, outcome) {
	s.t.Helper()
	var list struct {
		Keys []struct{ Attributes struct{ Label string } } `json:"matched_keys"`
	}
	o := s.data("key list"+who, &list)
	var labels []string
	for _, k := range list.Keys {
		labels = append(labels, k.Attributes.Label)
	}
	slices.Sort(labels)
	return labels, o
}

// failures are the failed logins that the image has counted for a user.
func (s *scene) failures(name string) int {
	s.t.Helper()
	var list struct {
		Users []struct {
			Username string
			Failed   int `json:"failed-attempts"`
		}
	}
	s.data("user list", &list)
	for _, u := range list.Users {
		if u.Username == name {
			return u.Failed
		}
	}
	return 0
}

// state is "active", "zeroized" or "absent".
func (s *scene) state() string {
	s.t.Helper()
	var status struct{ State string }
	if o := s.data("status", &status); o.code != 0 {
		return fmt.Sprintf("absent (%d)", o.code)
	}
	return status.State
}

// copyTree copies files with their modes, which password files live by.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		info, err := d.Info()
		if err != nil || d.IsDir() {
			return firstOf(err, os.MkdirAll(target, 0o700))
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, b, info.Mode().Perm())
	})
}
