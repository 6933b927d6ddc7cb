package commands

import (
	"errors"
	"fmt"
	"iter"
	"strings"

	"filehsm/hsmfile"
	"filehsm/hsmfile/attr"
)

func auditLogLeaf() leaf {
	return leaf{
		name:    "log",
		usage:   "show what was done, when and by whom, oldest first",
		example: "filehsm audit log\nfilehsm audit log --last 20",
		flags:   []flag{numberFlag("last", "N", "only the newest N entries")},
		run:     auditLog,
	}
}

func auditLog(c *call) (*Result, error) {
	last := c.NumberOr("last", 0)
	if c.Given("last") && last < 1 {
		return nil, usageError("leave it out to see all entries", "--last is at least 1")
	}
	im, err := c.openImage()
	if err != nil {
		return nil, err
	}
	after, err := c.beforeLast(im, last)
	if err != nil {
		return nil, err
	}
	return &Result{List: &list{
		key:     "entries",
		columns: []string{"sequence", "time", "opcode", "user", "role", "about", "result", "signed"},
		rows:    c.entries(im, after),
	}}, nil
}

// beforeLast is the sequence of the entry before the newest n; 0 for all.
func (c *call) beforeLast(im *hsmfile.Image, n int) (uint64, error) {
	if n == 0 {
		return 0, nil
	}
	head, _, err := im.Head(c.ctx)
	if err != nil || head <= uint64(n) {
		return 0, err
	}
	return head - uint64(n), nil
}

// entries streams the log; the image is not held while a row is printed.
func (c *call) entries(im *hsmfile.Image, after uint64) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		stopped := errors.New("stopped")
		err := im.AuditLog(c.ctx, after, func(e hsmfile.AuditEntry) error {
			if !yield(row{item: entryObject(e), cells: entryCells(e)}, nil) {
				return stopped
			}
			return nil
		})
		if err != nil && !errors.Is(err, stopped) {
			yield(row{}, err)
		}
	}
}

// entryObject has CloudHSM's words where it has any. An entry about several
// keys names the first as key-reference, and all of them.
func entryObject(e hsmfile.AuditEntry) object {
	o := object{{"sequence", e.Sequence}, {"time", stamp(e.Time)}, {"opcode", e.Opcode}, {"username", orNull(e.Username)}, {"role", roleOrNull(e.Role)},
		{"key-reference", nil}, {"subject", orNull(e.Subject)}, {"result", e.Result}, {"hash", e.Hash}, {"signed", !e.Unsigned}}
	if len(e.Keys) > 0 {
		o[5].value = attr.FormatReference(e.Keys[0])
	}
	if len(e.Keys) > 1 {
		o = append(o, member{"key-references", references(e)})
	}
	return o
}

func references(e hsmfile.AuditEntry) (all []string) {
	for _, k := range e.Keys {
		all = append(all, attr.FormatReference(k))
	}
	return all
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func roleOrNull(r hsmfile.Role) any {
	if r == 0 {
		return nil
	}
	return r.String()
}

func entryCells(e hsmfile.AuditEntry) []string {
	role, signed := "", "yes"
	if e.Role != 0 {
		role = e.Role.String()
	}
	if e.Unsigned {
		signed = "not yet"
	}
	what := references(e)
	if n := len(what); n > 3 {
		what = []string{what[0], fmt.Sprintf("and %d more", n-1)} // --json has all
	}
	if e.Subject != "" {
		what = append(what, e.Subject)
	}
	return []string{fmt.Sprint(e.Sequence), shown(e.Time), e.Opcode, e.Username, role, strings.Join(what, ", "), e.Result, signed}
}
