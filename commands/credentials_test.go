package commands

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"filehsm/hsmfile"
)

// callIn runs a leaf that does nothing on a line and gives its call.
func callIn(t *testing.T, env []string, in string, args string, use func(*call)) (int, string) {
	t.Helper()
	var out, errs bytes.Buffer
	w := &world{in: strings.NewReader(in), out: &out, err: &errs, lookup: envOf(env...), terminal: noTerminal}
	root := &noun{name: program, leaves: []leaf{{name: "try", flags: newPasswordFlags(), run: func(c *call) (*Result, error) {
		use(c)
		return nil, nil
	}}}}
	l, err := readLine(root, append([]string{"try"}, strings.Fields(args)...))
	if err != nil {
		t.Fatal(err)
	}
	return w.dispatch(noContext, root, l), errs.String()
}

func TestWhoActs(t *testing.T) {
	dir := t.TempDir()
	pw := writeFile(t, filepath.Join(dir, "co.pw"), "from file\r\n")
	empty := writeFile(t, filepath.Join(dir, "empty.pw"), "\n")
	big := writeFile(t, filepath.Join(dir, "big.pw"), strings.Repeat("x", maxPassword+1))
	open := writeFile(t, filepath.Join(dir, "open.pw"), "known to all")
	creds := filepath.Join(dir, "creds")
	guarded := writeFile(t, filepath.Join(creds, "filehsm-pin"), "Robot:a:b\n")
	out := filepath.Join(creds, "link")
	if err := os.Symlink(open, out); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{open, guarded} {
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	pinEnv := "FILEHSM_PIN=alice:se:cret"
	credsEnv := "CREDENTIALS_DIRECTORY=" + creds
	for _, test := range []struct {
		name, env, in, args    string
		user, password, source string
		code                   int
	}{
		{name: "nothing"},
		{name: "as", args: "--as bob", user: "bob"},
		{name: "file", args: "--as bob --password-file " + pw, user: "bob", password: "from file"},
		{name: "stdin", args: "--as bob --password-file -", in: "piped\n", user: "bob", password: "piped"},
		{name: "two lines", args: "--as bob --password-file -", in: "piped\nhunter2\n", code: 11},
		{name: "stdin by descriptor", args: "--as bob --password-fd 0", in: "piped", user: "bob", password: "piped"},
		{name: "pin", env: pinEnv, user: "alice", password: "se:cret"},
		{name: "pin of another", env: pinEnv, args: "--as bob", user: "bob"},
		{name: "pin in another case", env: pinEnv, args: "--as Alice", user: "alice", password: "se:cret"},
		{name: "file beats pin", env: pinEnv, args: "--password-file " + pw, user: "alice", password: "from file"},
		{name: "file without a user", args: "--password-file " + pw, password: "from file"},
		{name: "credential file", env: credsEnv, user: "Robot", password: "a:b"},
		{name: "credential file as password file", env: credsEnv, args: "--as bob --password-file " + guarded, user: "bob", password: "Robot:a:b"},
		{name: "CloudHSM's", env: "CLOUDHSM_PIN=alice:x", user: "alice", password: "x"},
		{name: "malformed pin", env: "FILEHSM_PIN=hunter2", code: 11},
		{name: "pin without password", env: "FILEHSM_PIN=alice:", code: 11},
		{name: "missing file", args: "--as bob --password-file " + filepath.Join(dir, "none"), code: 11},
		{name: "directory", args: "--as bob --password-file " + creds, code: 11},
		{name: "empty file", args: "--as bob --password-file " + empty, code: 11},
		{name: "large file", args: "--as bob --password-file " + big, code: 11},
		{name: "open file", args: "--as bob --password-file " + open, code: 11},
		{name: "link out of the guarded directory", env: credsEnv, args: "--as bob --password-file " + out, code: 11},
		{name: "closed descriptor", args: "--as bob --password-fd 987", code: 11},
	} {
		code, errs := callIn(t, []string{test.env}, test.in, test.args, func(c *call) {
			cr, err := c.Credentials("")
			if exitCode(err) != test.code {
				t.Errorf("%s: exit %d, %v", test.name, exitCode(err), err)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: the message shows a password: %v", test.name, err)
			}
			if cr.Name != test.user || string(cr.Password.Reveal()) != test.password {
				t.Errorf("%s: got %q %q", test.name, cr.Name, cr.Password.Reveal())
			}
		})
		if code != 0 {
			t.Errorf("%s: exit %d, %s", test.name, code, errs)
		}
	}
}

func TestRoleBesidePin(t *testing.T) {
	env := []string{"CLOUDHSM_PIN=alice:x", "CLOUDHSM_ROLE=crypto-user"}
	callIn(t, env, "", "", func(c *call) {
		if cr, err := c.Credentials(""); err != nil || cr.Role != hsmfile.CU {
			t.Errorf("role %v, %v", cr.Role, err)
		}
	})
	env[1] = "CLOUDHSM_ROLE=king"
	callIn(t, env, "", "", func(c *call) {
		if _, err := c.Credentials(""); exitCode(err) != 2 {
			t.Errorf("unknown role: %v", err)
		}
	})
}

func TestPasswordFromPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o644); err != nil {
		t.Fatal(err)
	}
	go func() { _ = os.WriteFile(path, []byte("through a pipe\n"), 0) }()
	callIn(t, nil, "", "--as bob --password-file "+path, func(c *call) {
		if cr, err := c.Credentials(""); err != nil || string(cr.Password.Reveal()) != "through a pipe" {
			t.Errorf("%q, %v", cr.Password.Reveal(), err)
		}
	})
}

func TestStdinHasOneUser(t *testing.T) {
	for _, args := range []string{
		"--password-file - --new-password-file -",
		"--password-file /dev/stdin --new-password-fd 0",
		"--password-fd 9 --new-password-fd 9",
	} {
		if code, errs := callIn(t, nil, "x", args, func(*call) { t.Error("the leaf ran") }); code != 2 {
			t.Errorf("%s: exit %d, %s", args, code, errs)
		}
	}
	callIn(t, nil, "x", "--password-file -", func(c *call) {
		if _, err := c.Stdin("--data-path -"); err != nil {
			t.Error(err)
		}
		if _, err := c.Credentials(""); exitCode(err) != 2 {
			t.Errorf("data and password from one stream: %v", err)
		}
	})
}

func TestNewPassword(t *testing.T) {
	callIn(t, nil, "fresh one\n", "--new-password-file -", func(c *call) {
		p, err := c.NewPassword("bob", "CU")
		if err != nil || string(p.Reveal()) != "fresh one" || p.Shown() != "" {
			t.Errorf("%v %v", p, err)
		}
	})
	callIn(t, nil, "", "--generate-password", func(c *call) {
		p, err := c.NewPassword("bob", "CU")
		if err != nil || len(strings.Split(p.Shown(), "-")) != passwordLength {
			t.Errorf("%q %v", p.Shown(), err)
		}
	})
	callIn(t, nil, "", "", func(c *call) {
		if _, err := c.NewPassword("bob", "CU"); exitCode(err) != 11 {
			t.Errorf("no source: %v", err)
		}
		if _, err := c.Password("bob", "CU"); exitCode(err) != 11 {
			t.Errorf("no source: %v", err)
		}
	})
}

func TestWordList(t *testing.T) {
	seen := map[string]bool{}
	for _, w := range strings.Fields(wordList) {
		if len(w) < 3 || len(w) > 8 || strings.Trim(w, "abcdefghijklmnopqrstuvwxyz") != "" || seen[w] {
			t.Errorf("word %q is not fit", w)
		}
		seen[w] = true
	}
	if len(seen) < 2048 {
		t.Errorf("%d words", len(seen))
	}
}
