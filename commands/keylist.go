package commands

import (
	"fmt"

	"filehsm/hsmfile"
	"filehsm/hsmfile/attr"
)

func keyListLeaf() leaf {
	verbose := switchFlag("verbose", "show every attribute, owner and sharing")
	verbose.short = "v"
	return leaf{
		name:    "list",
		usage:   "list your keys and all public keys",
		example: "filehsm key list\nfilehsm key list --filter attr.key-type=ec attr.class=private-key --verbose",
		flags: []flag{
			filterFlag("filter", "list only keys for which all of this holds"),
			numberFlag("max-items", "N", "list at most N keys, default all"),
			textFlag("starting-token", "TOKEN", "go on where a listing with --max-items ended"),
			verbose,
		},
		run: keyList,
	}
}

func keyList(c *call) (*Result, error) {
	f, err := c.keyFilter("filter")
	if err != nil {
		return nil, err
	}
	if c.NumberOr("max-items", 1) < 1 {
		return nil, usageError("leave it out to list all keys", "--max-items is at least 1")
	}
	s, err := c.act()
	if err != nil {
		return nil, err
	}
	l := keyLister{call: c, empty: "no keys yet"}
	if !f.Empty() {
		l.empty = "no key matches " + f.String()
	}
	l.found, err = s.ListKeys(c.ctx, f, hsmfile.ListOptions{
		MaxItems: c.NumberOr("max-items", 0), StartingToken: c.Text("starting-token"),
	}, l.take)
	if err != nil {
		return nil, err
	}
	return l.result(), nil
}

// A keyLister gathers a listing before the first line of it is printed: the
// image must not stay locked while somebody reads in a pager, and where a key
// is missing or damaged nothing is to be shown as the whole.
type keyLister struct {
	*call
	rows  []row
	full  views // with --verbose, for eyes
	found hsmfile.ListResult
	empty string
}

func (l *keyLister) take(k *hsmfile.Key) error {
	switch {
	case !l.Switch("verbose"):
		l.rows = append(l.rows, row{item: briefKey(k), cells: keyCells(k)})
	case l.JSON():
		l.rows = append(l.rows, row{item: newKeyObject(k)})
	default:
		l.full = append(l.full, keyFacts(k))
	}
	return nil
}

func (l *keyLister) result() *Result {
	if len(l.full) > 0 {
		return &Result{View: append(l.full, note(l.foot()))}
	}
	out := &list{
		key:     "matched_keys",
		columns: []string{"key-reference", "label", "class", "key-type", "can"},
		rows:    l.each, tail: l.tail, empty: l.empty,
	}
	if len(l.rows) > 0 {
		out.foot = l.foot
	}
	return &Result{List: out}
}

func (l *keyLister) each(yield func(row, error) bool) {
	for _, r := range l.rows {
		if !yield(r, nil) {
			return
		}
	}
}

// tail is what CloudHSM puts after the keys; without a next page there is no
// token.
func (l *keyLister) tail() []member {
	all := []member{{"total_key_count", l.found.Total}, {"returned_key_count", l.found.Returned}}
	if l.found.NextToken != "" {
		all = append(all, member{"next_token", l.found.NextToken})
	}
	return all
}

func (l *keyLister) foot() string {
	switch {
	case l.found.NextToken != "":
		return fmt.Sprintf("%d of %d keys; for the next: --starting-token %s", l.found.Returned, l.found.Total, l.found.NextToken)
	case l.found.Returned < l.found.Total:
		return fmt.Sprintf("%d of %d keys, the last", l.found.Returned, l.found.Total)
	case l.found.Total == 1:
		return "1 key"
	}
	return fmt.Sprintf("%d keys", l.found.Total)
}

// briefKey is CloudHSM's short form of a key object.
func briefKey(k *hsmfile.Key) object {
	return object{
		{"key-reference", attr.FormatReference(k.Reference)},
		{"attributes", object{{"label", k.Attributes.Label}}},
	}
}

// keyCells tells the halves of a pair apart, which share their label.
func keyCells(k *hsmfile.Key) []string {
	a := k.Attributes
	return []string{attr.FormatReference(k.Reference), a.Label, string(a.Class), string(a.KeyType), can(a)}
}
