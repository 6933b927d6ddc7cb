package commands

import (
	"fmt"

	"filehsm/hsmfile/attr"
)

func keyDeleteLeaf() leaf {
	return leaf{
		name:    "delete",
		usage:   "delete one key, for ever",
		example: "filehsm key delete --filter attr.label=tls attr.class=private-key",
		flags:   []flag{filterFlag("filter", "the key to delete; it must match one key only")},
		run:     keyDelete,
	}
}

func keyDelete(c *call) (*Result, error) {
	f, err := c.oneKey("filter")
	if err != nil {
		return nil, err
	}
	s, err := c.act()
	if err != nil {
		return nil, err
	}
	k, err := s.DeleteKey(c.ctx, f)
	if err != nil {
		return nil, err
	}
	ref := attr.FormatReference(k.Reference)
	return &Result{
		Data: object{{"message", "Key deleted successfully"}, {"key-reference", ref}, {"image", s.Image().Path()}},
		View: note(fmt.Sprintf("deleted key %s, %q, %s, from %s", ref, k.Attributes.Label, k.Attributes.Describe(), s.Image().Path())),
		Next: c.nextAfterKeys(s.Image()),
	}, nil
}
