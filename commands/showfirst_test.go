package commands

import (
	"bytes"
	"strings"
	"testing"

	"filehsm/hsmfile"
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
