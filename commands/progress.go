package commands

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// A progress is a bar on a terminal, one line that is drawn over and over and
// is gone at the end. Anywhere else it draws nothing.
type progress struct {
	out         io.Writer // nil for no terminal
	what        string
	done, count int
	drawn       time.Time
}

const (
	barWidth  = 30
	barPeriod = 100 * time.Millisecond
	eraseLine = "\r\x1b[K"
)

func (c *call) newProgress(what string, count int) *progress {
	p := &progress{what: what, count: count}
	if isTerminal(c.world.err) {
		p.out = c.world.err
	}
	return p
}

// add says that n more are done.
func (p *progress) add(n int) {
	p.done += n
	if p.out == nil || time.Since(p.drawn) < barPeriod {
		return
	}
	p.drawn = time.Now()
	full := barWidth * p.done / p.count
	fmt.Fprintf(p.out, "%s[%s%s] %d of %d %s", eraseLine, strings.Repeat("=", full), strings.Repeat(" ", barWidth-full), p.done, p.count, p.what)
}

// clear leaves an empty line for what is printed next.
func (p *progress) clear() {
	if p.out != nil && !p.drawn.IsZero() {
		fmt.Fprint(p.out, eraseLine)
	}
}
