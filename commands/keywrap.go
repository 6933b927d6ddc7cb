package commands

import (
	"encoding/base64"

	"filehsm/hsmfile/attr"
)

func keyWrapLeaf(mechanism, usage string) leaf {
	return leaf{
		name:    mechanism,
		usage:   "wrap a key " + usage,
		example: "filehsm key wrap " + mechanism + " --payload-filter data --wrapping-filter kek --path data.wrapped",
		flags: []flag{
			filterFlag("payload-filter", "the key to wrap; it must be extractable"),
			filterFlag("wrapping-filter", "the AES key to wrap it under; it must have wrap=true"),
			pathFlag(),
		},
		run: func(c *call) (*Result, error) { return keyWrap(c, mechanism) },
	}
}

func keyWrap(c *call, mechanism string) (*Result, error) {
	payload, err := c.oneKey("payload-filter")
	if err != nil {
		return nil, err
	}
	wrapping, err := c.oneKey("wrapping-filter")
	if err != nil {
		return nil, err
	}
	out, err := c.openBinary(forOwner)
	if err != nil {
		return nil, err
	}
	s, err := c.act()
	if err != nil {
		return nil, err
	}
	w, err := s.Wrap(c.ctx, mechanism, payload, wrapping)
	if err != nil {
		return nil, err
	}
	what, under := attr.FormatReference(w.PayloadReference), attr.FormatReference(w.WrappingReference)
	r, err := out.put(w.Data,
		object{{"payload_key_reference", what}, {"wrapping_key_reference", under}, {"image", s.Image().Path()}},
		member{"wrapped_key_data", base64.StdEncoding.EncodeToString(w.Data)},
		facts{{"payload key", what}, {"wrapping key", under}, {"wrapped key", out.path}, {"image", s.Image().Path()}})
	if err == nil && out.path != "" {
		r.Next = c.line("key unwrap %s --filter %s --data-path %s --key-type-class CLASS --label LABEL",
			mechanism, wrapping, shellQuoted(out.path))
	}
	return r, err
}
