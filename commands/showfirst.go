package commands

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"syscall"

	"filehsm/hsmfile"
)

// A password that is made here is on standard output before it is set. The
// other way round a full disk or a reader that is gone leaves a password that
// nobody knows, and an image whose only CO it is of is lost.
//
// So the result goes out in two pieces. The first one ends with the password
// and is written before the change, to the disk where standard output is a
// file; if that fails, nothing is changed. The second is what the change alone
// can tell, and comes after it. A change that fails leaves the result
// unfinished, as a list that breaks off: no program takes half a JSON object
// for an answer.

// showFirst writes draft as far as its password. What stands before the
// password in it must be what the result will say; what follows may be blank.
func (c *call) showFirst(p *newPassword, draft *Result) error {
	if !p.generated {
		return nil
	}
	first := c.upToPassword(draft, p.Shown())
	n, err := await(c.ctx, func() (int, error) { return writeThrough(c.world.out, first) })
	if errors.Is(err, context.Canceled) { // it may be on its way all the same, and nothing may come behind it
		c.begun = first
		return err
	}
	c.begun = first[:n]
	if err != nil {
		return &hsmfile.Error{Text: "failed to write the new password, so it was not set", Hint: "send standard output to a place that takes it", Err: err}
	}
	return nil
}

// upToPassword is the beginning of a result, in the form that was asked for,
// up to the end of the password's last line.
func (c *call) upToPassword(r *Result, password string) []byte {
	var text bytes.Buffer
	out := &sink{to: &text}
	lines := 1
	if c.JSON() {
		_ = printJSON(out, r, nil) // an object of texts and numbers
	} else {
		r.View.show(out)
		lines += bytes.Count([]byte(onceOnly), []byte("\n"))
	}
	out.flush()
	end := bytes.Index(text.Bytes(), []byte(password))
	for range lines {
		end += bytes.IndexByte(text.Bytes()[end:], '\n') + 1
	}
	return text.Bytes()[:end]
}

// writeThrough writes, and waits for the disk where there is one.
func writeThrough(to io.Writer, b []byte) (int, error) {
	n, err := to.Write(b)
	if f, ok := to.(*os.File); ok && err == nil {
		if info, bad := f.Stat(); bad == nil && info.Mode().IsRegular() {
			err = f.Sync()
		}
	}
	return n, err
}

// rest is what of a result has not been written yet.
func (c *call) rest(text []byte) []byte {
	after, ok := bytes.CutPrefix(text, c.begun)
	if !ok {
		panic("commands: the result does not begin with what was shown of it")
	}
	return after
}

// brokeOff tells of a change that failed after its password was shown. Only a
// refusal, or an interruption, is sure to have changed nothing: a disk that failed
// at the end of a commit may have taken it.
func (w *world) brokeOff(err error) int {
	w.explain(err)
	code, text := exitCode(err), "was NOT set"
	if !errors.Is(err, context.Canceled) && (code == 1 || code == 7 || errors.Is(err, syscall.EROFS)) {
		text = "may not be set; a login with it tells"
	}
	_, _ = io.WriteString(w.err, program+": warning: the password that was printed "+text+"\n")
	return code
}

// goesNowhere says whether what is written to standard output is lost. One that
// was closed is /dev/null by now: Go opens it in the place of what is missing of
// the first three descriptors, so no image ever gets one of these.
func (w *world) goesNowhere() bool {
	f, ok := w.out.(*os.File)
	if !ok {
		return false
	}
	out, err := f.Stat()
	if err != nil {
		return true
	}
	null, err := os.Stat(os.DevNull)
	return err == nil && os.SameFile(out, null)
}
