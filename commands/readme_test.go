package commands

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// readmeBlocks are the README's shell blocks with a tag, in order.
func readmeBlocks(t *testing.T, tag string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, m := range regexp.MustCompile("(?ms)^```sh "+tag+"$\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		all = append(all, m[1])
	}
	if len(all) == 0 {
		t.Fatalf("README.md has no block %q", tag)
	}
	return strings.Join(all, "")
}

// shell runs a script in dir with an empty environment but PATH, HOME and more.
func shell(t *testing.T, dir, script string, env ...string) (string, error) {
	t.Helper()
	cmd := exec.Command("sh", "-eu", "-c", script)
	cmd.Dir = dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestReadme follows the README as a new user would: the tour from its first
// line to its last, then the accident and the two restores.
func TestReadme(t *testing.T) {
	dir := t.TempDir()
	home := "HOME=" + dir
	run := func(name, script string, env ...string) {
		t.Helper()
		if out, err := shell(t, dir, script, append(env, home)...); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
	}
	run("tour", "set -x\n"+readmeBlocks(t, "tour"))
	image := "FILEHSM_IMAGE=prod.hsm"
	run("nightly", nightlyLine(t, dir))
	run("accident", "echo 'not the password' > wrong.pw; chmod 600 wrong.pw\n"+
		"for i in 1 2 3; do filehsm vault remove usb --as admin --password-file wrong.pw --last-attempt && exit 1 || test $? = 3; done\n"+
		"filehsm status | grep -q zeroized", image)
	run("restore", readmeBlocks(t, "accident")+"filehsm key list --as alice --password-file alice.pw | grep -q tls", image)
	if err := os.Remove(filepath.Join(dir, "prod.hsm")); err != nil {
		t.Fatal(err)
	}
	run("restore elsewhere", readmeBlocks(t, "elsewhere")+
		"filehsm crypto verify ecdsa --key-filter tls --data-path order.txt --signature-path order.sig --as alice --password-file alice.pw", "FILEHSM_IMAGE=restored.hsm")
}

// nightlyLine is what cron runs of the README's line, with the paths of this
// test, under env -i as cron would.
func nightlyLine(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^17 2 \* \* \* filehsm (FILEHSM_IMAGE=.*)$`).FindStringSubmatch(string(text))
	if m == nil {
		t.Fatal("README.md has no nightly line")
	}
	line := strings.NewReplacer("/srv/hsm/", dir+"/", "/etc/filehsm/", dir+"/").Replace(m[1])
	return `exec env -i PATH="$PATH" sh -c '` + line + `'`
}

// TestReadmeExitCodes compares the README's table with the one in errors.go.
func TestReadmeExitCodes(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "## Exit codes")
	table, _, _ = strings.Cut(table, "\n## ")
	want := "| code | meaning |\n|---|---|\n"
	for _, e := range exits {
		want += fmt.Sprintf("| %d | %s |\n", e.code, e.meaning)
	}
	if got := strings.TrimLeft(strings.ReplaceAll(table, "`", ""), "\n"); got != want {
		t.Errorf("README.md has\n%s\nwant\n%s", got, want)
	}
}
