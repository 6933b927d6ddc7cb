package commands

import (
	"fmt"

	"filehsm/hsmfile/attr"
)

func keySetAttributeLeaf() leaf {
	return leaf{
		name:  "set-attribute",
		usage: "change one attribute of a key",
		example: "filehsm key set-attribute --filter tls --name label --value web\n" +
			"filehsm key set-attribute --filter key-reference=0x00000000004a0cf1 --name trusted --value true --as admin",
		flags: []flag{
			filterFlag("filter", "the key to change; a CO, who sets trusted, names it by its reference"),
			textFlag("name", "NAME", "the attribute, as key list --verbose shows it"),
			textFlag("value", "VALUE", "what it is to be: true or false, a label, or an id in hex"),
		},
		run: keySetAttribute,
	}
}

func keySetAttribute(c *call) (*Result, error) {
	f, err := c.oneKey("filter")
	if err != nil {
		return nil, err
	}
	name, err := c.Need("name")
	if err != nil {
		return nil, err
	}
	if !c.Given("value") { // an empty one is a value: it takes a label away
		return nil, usageError("--value true, --value false, or what it is to be", "--value is missing")
	}
	s, err := c.act()
	if err != nil {
		return nil, err
	}
	key, err := s.SetAttribute(c.ctx, f, name, c.Text("value"))
	if err != nil {
		return nil, err
	}
	const done = "Attribute set successfully"
	ref, im := attr.FormatReference(key), s.Image()
	return &Result{
		Data: object{{"message", done}, {"key-reference", ref}, {"image", im.Path()}},
		View: note(fmt.Sprintf("%s: key %s in %s now has %s=%s", done, ref, im.Path(), name, c.Text("value"))),
		Next: c.nextAfterKeys(im),
	}, nil
}
