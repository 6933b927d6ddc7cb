package commands

import (
	"io"

	"filehsm/hsmfile"
)

// maxWrapped bounds what is read as a wrapped key: above any that exists, so
// that what is longer is still refused for its length.
const maxWrapped = 64 << 10

func keyUnwrapLeaf(mechanism, usage string) leaf {
	return leaf{
		name:    mechanism,
		usage:   usage,
		example: "filehsm key unwrap " + mechanism + " --filter kek --data-path data.wrapped --key-type-class aes --label data2",
		flags: flags([]flag{
			filterFlag("filter", "the AES key that it is wrapped under; it must have unwrap=true"),
		}, inputFlags("data", "the wrapped key"), []flag{
			textFlag("key-type-class", "CLASS", "what it is: aes, generic-secret, ec-private or rsa-private"),
			labelFlag(),
			usageFlag(),
			attributesFlag("attributes", "set these attributes, for example extractable=false"),
			shareUsersFlag(),
		}),
		run: func(c *call) (*Result, error) { return keyUnwrap(c, mechanism) },
	}
}

func keyUnwrap(c *call, mechanism string) (*Result, error) {
	spec, err := c.unwrapSpec(mechanism)
	if err != nil {
		return nil, err
	}
	// Read before anybody is asked for a password: the other end of the pipe
	// may be asking for one, too.
	if spec.Data, err = c.readInput("data", maxWrapped); err != nil {
		return nil, err
	}
	s, err := c.actSharing()
	if err != nil {
		return nil, err
	}
	k, err := s.Unwrap(c.ctx, spec)
	if err != nil {
		return nil, err
	}
	return c.keyMade(s.Image(), k), nil
}

func (c *call) unwrapSpec(mechanism string) (spec hsmfile.UnwrapSpec, err error) {
	spec = hsmfile.UnwrapSpec{
		Mechanism: mechanism, KeyTypeClass: c.Text("key-type-class"),
		Usage: c.Words("usage"), Attributes: c.Words("attributes"), ShareWith: c.Words(shareUsers),
	}
	if spec.Filter, err = c.oneKey("filter"); err != nil {
		return spec, err
	}
	if spec.KeyTypeClass == "" {
		return spec, usageError("say what the wrapped key is: --key-type-class aes, generic-secret, ec-private or rsa-private", "--key-type-class is missing")
	}
	spec.Label, err = c.label("label")
	return spec, err
}

// readInput reads all of an input, or one byte more than limit.
func (c *call) readInput(name string, limit int64) ([]byte, error) {
	in, err := c.openInput(name)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err != nil {
		return nil, &hsmfile.Error{Text: "failed to read the " + name, Err: err}
	}
	return b, nil
}
