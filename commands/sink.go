package commands

import (
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"

	"filehsm/hsmfile"
)

// sinkSize is how much of a result is held back before the first byte goes
// out. Until then a failure can still replace the whole result.
const sinkSize = 64 << 10

// A sink buffers the result and keeps the first error of writing it.
type sink struct {
	to   io.Writer
	held []byte
	gone bool // something was written: no way back
	err  error
}

// Write never fails, so that views need not care; err says what went wrong.
func (s *sink) Write(b []byte) (int, error) {
	s.held = append(s.held, b...)
	if len(s.held) > sinkSize {
		s.flush()
	}
	return len(b), nil
}

func (s *sink) flush() {
	if len(s.held) == 0 || s.err != nil {
		return
	}
	_, s.err = s.to.Write(s.held)
	s.held, s.gone = s.held[:0], true
}

// drop forgets what has not gone out yet.
func (s *sink) drop() { s.held = s.held[:0] }

// fail prints an error of which there is no result, and gives its exit code.
func (w *world) fail(asJSON bool, err error) int {
	if asJSON {
		out := &sink{to: w.out}
		writeObject(out, exitCode(err), plain(err.Error()))
		out.flush()
	}
	w.explain(err)
	return exitCode(err)
}

// explain tells what went wrong and what to type next; scripts that asked for
// JSON get these lines as well.
func (w *world) explain(err error) {
	fmt.Fprintf(w.err, "%s: error: %s\n", program, plain(err.Error()))
	if hint := hsmfile.HintOf(err); hint != "" {
		fmt.Fprintf(w.err, "%s: hint: %s\n", program, plain(hint))
	}
}

// isText says whether bytes can be shown on a terminal.
func isText(b []byte) bool {
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size == 1 || !unicode.IsPrint(r) && r != '\n' && r != '\t' && r != '\r' {
			return false
		}
		b = b[size:]
	}
	return true
}
