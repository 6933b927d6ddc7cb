package commands

import (
	"bytes"
	"context"
	"strings"
	"syscall"
	"testing"

	"filehsm/hsmfile"
	"filehsm/hsmfile/secret"
)

// What failed after a password was shown says whether the password holds.
func TestBrokeOff(t *testing.T) {
	for _, c := range []struct {
		kind error
		code int
		want string
	}{
		{hsmfile.ErrBusy, 9, "the password that was printed was NOT set"},
		{hsmfile.ErrState, 5, "the password that was printed was NOT set"},
		{context.Canceled, 1, "the password that was printed was NOT set"},
		{syscall.EROFS, 1, "may not be set; a login with it tells"},
		{nil, 1, "may not be set; a login with it tells"},
	} {
		var out, errs bytes.Buffer
		w := &world{out: &out, err: &errs}
		code := w.print(&call{world: w, begun: []byte("x\n")}, nil, &hsmfile.Error{Kind: c.kind, Text: "refused"})
		if code != c.code || !strings.Contains(errs.String(), c.want) || out.Len() > 0 {
			t.Errorf("%v: exit %d, %q, %q", c.kind, code, &out, &errs)
		}
	}
}

// slowDisk takes what it is given, and its time.
type slowDisk struct {
	bytes.Buffer
	taken, free chan bool
}

func (d *slowDisk) Write(b []byte) (int, error) {
	n, err := d.Buffer.Write(b)
	close(d.taken)
	<-d.free
	return n, err
}

// TestShowFirstInterrupted: nothing comes behind a password that may be out, and
// the user hears that it is not set.
func TestShowFirstInterrupted(t *testing.T) {
	for _, output := range []string{outputJSON, outputTable} {
		disk := &slowDisk{taken: make(chan bool), free: make(chan bool)}
		var errs bytes.Buffer
		w := &world{out: disk, err: &errs}
		ctx, interrupt := context.WithCancel(t.Context())
		c := &call{ctx: ctx, world: w, settings: settings{{key: "output", value: output}}}
		p := &newPassword{Bytes: secret.New([]byte("six-words")), generated: true}
		data, page := p.generatedIn(object{{"user", "x"}}, 1, facts{{"user", "x"}}, 1)
		go func() { <-disk.taken; interrupt() }()
		err := c.showFirst(p, &Result{Data: data, View: page})
		code := w.print(c, nil, err)
		close(disk.free)
		if text := errs.String(); code != 1 || !strings.Contains(text, "interrupted") || !strings.Contains(text, "was NOT set") {
			t.Errorf("%s: exit %d, %q", output, code, text)
		}
		if out := disk.String(); strings.Contains(out, "error_code\": 1") || !strings.Contains(out, "six-words") {
			t.Errorf("%s: %q", output, out)
		}
	}
}
