// Command bench prints how fast filehsm is on this machine, as one table; see
// run.sh, which builds what it needs.
//
// Every bar that is a ratio is measured against its counterpart in turns, so
// that both meet the same disk and the same neighbours, and the figures are
// medians.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

func main() {
	if alone, ok := inItsOwnProcess[os.Args[min(1, len(os.Args)-1)]]; ok {
		fmt.Println(alone(os.Args[2:]).Seconds() * 1e3)
		return
	}
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: bench TOOLS DIRECTORY...; run.sh makes the tools")
		os.Exit(2)
	}
	sayMissing()
	var tables []*table
	for _, dir := range os.Args[2:] {
		p := newPlace(os.Args[1], dir)
		t := p.measure()
		p.remove()
		tables = append(tables, t)
	}
	fmt.Printf("%s, %d cores, %s, load %s; medians of %d runs or more\n\n",
		time.Now().Format("2006-01-02"), runtime.NumCPU(), runtime.Version(), load(), runs())
	printTables(tables)
}

// inItsOwnProcess is what this program runs itself for. Its own memory must
// stay small: a child's largest resident set begins with its parent's.
var inItsOwnProcess = map[string]func(args []string) time.Duration{
	"kdf": derive, "generate": generate, "syncs": syncs, "nothing": func([]string) time.Duration { return 0 },
}

// load says how quiet the machine was.
func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Fields(string(b))[0]
}

func runs() int { return number("RUNS", 5) }

func number(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil && n > 0 {
		return n
	}
	return otherwise
}

func sayMissing() {
	for _, name := range []string{"age", "age-keygen", "sha256sum", "sync", "softhsm2-util", "pkcs11-tool", "cc"} {
		if !have(name) {
			fmt.Fprintf(os.Stderr, "bench: %s is not installed; rows that need it are left out\n", name)
		}
	}
}

func have(name string) bool {
	_, err := exec.LookPath(name)
	return err == nil
}

// must ends the program: a benchmark that goes on after a failure measures
// something else.
func must(err error, what string, output []byte) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %s: %v\n%s", what, err, output)
		os.Exit(1)
	}
}
