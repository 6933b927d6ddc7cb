package commands

import (
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// A traced is one system call of a process that strace watched.
type traced struct {
	thread, name string
	args         []string // as strace prints them
	result       int64    // -1 for a call that failed, 0 for one that never came back
	begun, ended int      // the lines of the log
}

func (c traced) String() string {
	var args []string
	for _, a := range c.args {
		args = append(args, a[:min(len(a), 80)])
	}
	return fmt.Sprintf("%s(%s) = %d", c.name, strings.Join(args, ", "), c.result)
}

// text is an argument that is a string; false if it is none.
func (c traced) text(i int) (string, bool) {
	if i >= len(c.args) || !strings.HasPrefix(c.args[i], `"`) || !strings.HasSuffix(c.args[i], `"`) {
		return "", false
	}
	b, err := hex.DecodeString(strings.ReplaceAll(strings.Trim(c.args[i], `"`), `\x`, ""))
	return string(b), err == nil
}

// number is an argument that is one; -1 if it is none, AT_FDCWD included.
func (c traced) number(i int) int64 {
	if i >= len(c.args) {
		return -1
	}
	n, err := strconv.ParseInt(c.args[i], 0, 64)
	if err != nil {
		return -1
	}
	return n
}

// readTrace parses a log of strace -f -xx, in the order in which the calls
// came back. A call during which another thread's was printed has two lines.
func readTrace(path string) ([]traced, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseTrace(string(b))
}

func parseTrace(text string) (all []traced, err error) {
	type half struct {
		text string
		line int
	}
	open := map[string]half{}
	n := 0
	for line := range strings.Lines(text) {
		n++
		thread, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		rest = strings.TrimSpace(rest)
		if strings.HasPrefix(rest, "+++") || strings.HasPrefix(rest, "---") {
			continue // the end of a thread; a signal
		}
		begun := n
		if head, ok := strings.CutSuffix(rest, "<unfinished ...>"); ok {
			open[thread] = half{strings.TrimSuffix(head, " "), n}
			continue
		}
		if strings.HasPrefix(rest, "<... ") {
			_, tail, ok := strings.Cut(rest, " resumed>")
			first, waits := open[thread]
			if !ok || !waits {
				return nil, fmt.Errorf("line %d: %q resumes nothing", n, rest)
			}
			delete(open, thread)
			rest, begun = first.text+tail, first.line
		}
		c, err := parseCall(rest)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		c.thread, c.begun, c.ended = thread, begun, n
		all = append(all, c)
	}
	return all, nil
}

// parseCall reads NAME(ARGUMENTS) = RESULT MORE.
func parseCall(text string) (c traced, err error) {
	at := strings.LastIndex(text, " = ")
	name, args, ok := strings.Cut(text[:max(at, 0)], "(")
	args, closed := strings.CutSuffix(strings.TrimRight(args, " "), ")")
	if at < 0 || !ok || !closed {
		return c, fmt.Errorf("no system call: %.200q", text)
	}
	result, _, _ := strings.Cut(text[at+3:], " ")
	c.name, c.args = name, splitArgs(args)
	if result != "?" {
		unsigned, _ := strconv.ParseUint(result, 0, 64) // rt_sigreturn gives back any register
		if c.result, err = strconv.ParseInt(result, 0, 64); err != nil && unsigned == 0 {
			return c, fmt.Errorf("no result: %.200q", text)
		}
		err = nil
	}
	return c, nil
}

// splitArgs cuts at the commas that are in no bracket. In strings there are
// none: -xx makes every character of theirs a number.
func splitArgs(text string) (all []string) {
	depth, from := 0, 0
	for i := range len(text) {
		switch text[i] {
		case '{', '[', '(':
			depth++
		case '}', ']', ')':
			depth--
		case ',':
			if depth == 0 {
				all, from = append(all, strings.TrimSpace(text[from:i])), i+1
			}
		}
	}
	if last := strings.TrimSpace(text[from:]); last != "" || len(all) > 0 {
		all = append(all, last)
	}
	return all
}

func TestParseTrace(t *testing.T) {
	cases := map[string]struct {
		log, want string
	}{
		"one":        {`7 close(5)    = 0`, "7 close[5]=0 1-1"},
		"no args":    {`7 getpid() = 7`, "7 getpid[]=7 1-1"},
		"failed":     {`7 openat(AT_FDCWD, "\x2f\x61", O_RDONLY) = -1 ENOENT (No such file or directory)`, "7 openat[AT_FDCWD|/a|O_RDONLY]=-1 1-1"},
		"flags":      {`7 fcntl(5, F_GETFL) = 0x8000 (flags O_RDONLY|O_LARGEFILE)`, "7 fcntl[5|F_GETFL]=32768 1-1"},
		"a struct":   {`7 fstat(5, {st_mode=S_IFREG|0600, st_size=3, ...}) = 0`, "7 fstat[5|{st_mode=S_IFREG|0600, st_size=3, ...}]=0 1-1"},
		"never back": {`7 exit_group(0) = ?`, "7 exit_group[0]=0 1-1"},
		"a register": {`7 rt_sigreturn({mask=[]}) = 12215204358652384202`, "7 rt_sigreturn[{mask=[]}]=9223372036854775807 1-1"},
		"signals":    {"7 --- SIGURG {si_signo=SIGURG} ---\n7 +++ exited with 0 +++", ""},
		"two threads": {"7 write(5, \"\\x61\\x2c\", 2 <unfinished ...>\n8 fsync(6) = 0\n7 <... write resumed>) = 2",
			"8 fsync[6]=0 2-2, 7 write[5|a,|2]=2 1-3"},
		"cut between arguments": {"7 read(5,  <unfinished ...>\n8 close(6 <unfinished ...>\n7 <... read resumed>\"\\x61\", 9) = 1\n8 <... close resumed>) = 0",
			"7 read[5|a|9]=1 1-3, 8 close[6]=0 2-4"},
		"killed":           {"7 write(5 <unfinished ...>\n7 +++ killed by SIGKILL +++", ""},
		"resumes nothing":  {"7 <... read resumed>) = 1", "error"},
		"no call":          {"7 what is this", "error"},
		"no result":        {"7 close(5) = yes", "error"},
		"cut short string": {`7 write(5, "\x61"..., 5) = 5`, `7 write[5|"\x61"...|5]=5 1-1`},
	}
	for name, tc := range cases {
		calls, err := parseTrace(tc.log)
		var got []string
		for _, c := range calls {
			args := c.args
			for i := range args {
				if text, ok := c.text(i); ok {
					args[i] = text
				}
			}
			got = append(got, fmt.Sprintf("%s %s[%s]=%d %d-%d", c.thread, c.name, strings.Join(args, "|"), c.result, c.begun, c.ended))
		}
		if s := strings.Join(got, ", "); s != tc.want && (err == nil || tc.want != "error") {
			t.Errorf("%s: %s, %v", name, s, err)
		}
	}
}
