package commands

import (
	stdflag "flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"filehsm/hsmfile/hsmtest"
)

var update = stdflag.Bool("update", false, "rewrite the expected blocks of the stories")

// TestMain makes the program a command of the stories.
func TestMain(m *testing.M) {
	if os.Getenv(makeImages) == "" {
		hsmtest.CheapKDF()
	}
	testscript.Main(m, map[string]func(){
		program:        runProgram,
		bareProgram:    runBare,
		tamperProgram:  runTamper,
		"asker":        runAsker,
		"printenviron": func() { fmt.Print(strings.Join(os.Environ(), "\x00")) },
	})
}

// runProgram is main for the stories. It watches what the program prints.
func runProgram() {
	leaveTerminal()
	turnClock()
	out, seenOut := guarded(os.Stdout)
	errs, seenErr := guarded(os.Stderr)
	code := Run(os.Args[1:], os.Stdin, out, errs)
	if name := firstLeak(seenOut, seenErr); name != "" {
		fmt.Fprintf(os.Stderr, "the password in %s was printed\n", name)
		code = leakExit
	}
	os.Exit(code)
}

// turnClock sets the clock of a story that has STORY_CLOCK, a length of time
// from now, "-48h".
func turnClock() {
	if d, err := time.ParseDuration(os.Getenv("STORY_CLOCK")); err == nil {
		hsmtest.SetClock(func() time.Time { return time.Now().Add(d) })
	}
}

// hasTerminal is set for what a story runs on a terminal of its own.
const hasTerminal = "STORY_TERMINAL"

// leaveTerminal leaves the terminal of whoever runs the tests behind, so that
// a story never waits for an answer there.
func leaveTerminal() {
	if os.Getenv(hasTerminal) == "" {
		_, _ = syscall.Setsid()
	}
}

// TestScript runs the stories. Beside testscript's own commands they have
//
//	exitcode N CMD...         run CMD, which must exit with N
//	norm                      replace what differs from run to run in the last stdout and stderr
//	json PATH [VALUE]         the last stdout has this at PATH (data.users.0.role; # is a length)
//	jsonenv VAR PATH          set VAR to what the last stdout has at PATH
//	terminal N DIALOG CMD...  run CMD on a terminal of its own, see cmdTerminal
//	flip FILE OFFSET          invert a byte, counted from the end if negative
//	same FILE COPY            the two are equal byte for byte (! same: they are not)
//	sha FILE VAR              set VAR to FILE's SHA-256
//	reage FILE IDENTITY       encrypt an age file anew; a third word is the identity to do it for
//
// Every file named *.pw is made private, as a password file has to be, and what
// is in it must never be printed: the program exits with 99 then.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "../testdata/script",
		UpdateScripts:       *update,
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup:               setupStory,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exitcode": cmdExitCode,
			"norm":     cmdNorm,
			"json":     cmdJSON,
			"jsonenv":  cmdJSONEnv,
			"terminal": cmdTerminal,
			"flip":     cmdFlip,
			"same":     cmdSame,
			"sha":      cmdSHA,
			"reage":    cmdReage,
		},
	})
}

// setupStory gives a story a home of its own. testscript hands nothing of our
// own environment down, so no image, user or session of the tester is in reach.
func setupStory(e *testscript.Env) error {
	home := filepath.Join(e.WorkDir, ".home")
	for name, dir := range map[string]string{
		"HOME": "", "XDG_CONFIG_HOME": "config", "XDG_DATA_HOME": "data",
		"XDG_STATE_HOME": "state", "XDG_RUNTIME_DIR": "run",
	} {
		dir = filepath.Join(home, dir)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		e.Setenv(name, dir)
	}
	if e.Getenv("GORACE") == "" {
		e.Setenv("GORACE", "atexit_sleep_ms=10") // instead of a second for each command
	}
	return makePrivate(e.WorkDir)
}

func makePrivate(dir string) error {
	return filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".pw") {
			err = os.Chmod(path, 0o600)
		}
		return err
	})
}
