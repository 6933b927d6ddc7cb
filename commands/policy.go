package commands

import (
	"strconv"

	"filehsm/hsmfile"
)

func policyNoun() noun {
	return noun{
		name:  "policy",
		usage: "the rules of this image",
		leaves: []leaf{
			{
				name:    "show",
				usage:   "show the rules; needs no login",
				example: "filehsm policy show",
				run:     policyShow,
			},
			policySetLeaf(),
		},
	}
}

// limitEntry is a row of the lockout table in JSON.
type limitEntry struct {
	Role     string `json:"role"`
	Attempts int    `json:"attempts"`
	Action   string `json:"action"`
}

func policyShow(c *call) (*Result, error) {
	im, err := c.openImage()
	if err != nil {
		return nil, err
	}
	data, page, err := c.policyOf(im)
	if err != nil {
		return nil, err
	}
	return &Result{Data: data, View: page}, nil
}

// policyOf is the rules for programs and for eyes.
func (c *call) policyOf(im *hsmfile.Image) (object, views, error) {
	p, err := im.Policy(c.ctx)
	if err != nil {
		return nil, nil, err
	}
	limits := []limitEntry{}
	table := grid{columns: []string{"role", "wrong passwords in a row", "then"}}
	for _, l := range p.Limits {
		limits = append(limits, limitEntry{l.Role.String(), l.Attempts, l.Action})
		table.rows = append(table.rows, []string{l.Role.String(), strconv.Itoa(l.Attempts), limitText(l)})
	}
	data := object{{"lockout", p.Lockout}, {"limits", limits}, {"reset", p.Reset}, {"audit-level", p.AuditLevel}}
	return data, views{facts{{"lockout", p.Lockout}, {"reset", resetText(p.Reset)}, {"audit level", auditText(p.AuditLevel)}}, table}, nil
}

func limitText(l hsmfile.LockoutRule) string {
	if l.Action == "lock" {
		return "locked, until a CO unlocks him"
	}
	return "the image is wiped"
}

func resetText(rule string) string {
	if rule == "drops-keys" {
		return rule + ": a CO who resets a CU's password deletes his keys"
	}
	return rule + ": a CO who resets a CU's password keeps his keys"
}

func auditText(level string) string {
	if level == "all" {
		return level + ": every change and every use of a key is entered"
	}
	return level + ": every change is entered, plain use of a key is not"
}
