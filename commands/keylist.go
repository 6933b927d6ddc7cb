package commands

import (
	"errors"
	"fmt"
	"io"

	"filehsm/hsmfile"
	"filehsm/hsmfile/attr"
)

func keyListLeaf() leaf {
	verbose := switchFlag("verbose", "show every attribute, owner and sharing")
	verbose.short = "v"
	return leaf{
		name:    "list",
		usage:   "list your keys, those shared with you and all public keys",
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
	l := &keyLister{call: c, session: s, filter: f}
	if c.Switch("verbose") && !c.JSON() {
		return l.pages()
	}
	return &Result{List: &list{
		key:     "matched_keys",
		columns: []string{"key-reference", "label", "class", "key-type", "can", "owner"},
		rows:    l.rows, tail: l.tail, foot: l.foot,
	}}, nil
}

// A keyLister prints one listing.
type keyLister struct {
	*call
	session *hsmfile.Session
	filter  attr.Filter
	found   hsmfile.ListResult
}

func (l *keyLister) keys(fn func(*hsmfile.Key) error) (err error) {
	l.found, err = l.session.ListKeys(l.ctx, l.filter, hsmfile.ListOptions{
		MaxItems: l.NumberOr("max-items", 0), StartingToken: l.Text("starting-token"),
	}, fn)
	return err
}

// pages are the whole key objects for eyes, one below the other.
func (l *keyLister) pages() (*Result, error) {
	var all keyPages
	err := l.keys(func(k *hsmfile.Key) error {
		all = append(all, k)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &Result{View: views{all, note(l.foot())}}, nil
}

// keyPages are made one at a time as they are printed: ten thousand of them
// are larger than the keys that they show.
type keyPages []*hsmfile.Key

func (all keyPages) show(out io.Writer) {
	for i, k := range all {
		if i > 0 {
			fmt.Fprintln(out)
		}
		keyFacts(k).show(out)
	}
}

// errNoMore ends a listing whose reader has gone.
var errNoMore = errors.New("no more rows are wanted")

func (l *keyLister) rows(yield func(row, error) bool) {
	err := l.keys(func(k *hsmfile.Key) error {
		if !yield(l.row(k), nil) {
			return errNoMore
		}
		return nil
	})
	if err != nil && err != errNoMore {
		yield(row{}, err)
	}
}

func (l *keyLister) row(k *hsmfile.Key) row {
	if l.Switch("verbose") {
		return row{item: newKeyObject(k)}
	}
	return row{item: briefKey(k), cells: keyCells(k)}
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
	case l.found.Total == 0 && l.filter.Empty():
		return "no keys yet"
	case l.found.Total == 0:
		return "no key matches " + l.filter.String()
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
	return []string{attr.FormatReference(k.Reference), a.Label, string(a.Class), string(a.KeyType), can(a), k.Owner}
}
