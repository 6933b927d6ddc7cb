package commands

import (
	"encoding/base64"

	"filehsm/hsmfile/attr"
)

func cryptoSignLeaf(mechanism, usage string) leaf {
	return leaf{
		name:    mechanism,
		usage:   "sign data " + usage,
		example: "filehsm crypto sign " + mechanism + " --key-filter tls --data-path message --path signature",
		flags:   flags(signFlags("the private key to sign with; it must have sign=true"), []flag{pathFlag()}),
		run:     func(c *call) (*Result, error) { return cryptoSign(c, mechanism) },
	}
}

func cryptoSign(c *call, mechanism string) (*Result, error) {
	spec, err := c.signSpec(mechanism)
	if err != nil {
		return nil, err
	}
	out, err := c.openBinary(forAll)
	if err != nil {
		return nil, err
	}
	s, err := c.act()
	if err != nil {
		return nil, err
	}
	ref, signature, err := s.Sign(c.ctx, spec)
	if err != nil {
		return nil, err
	}
	key := attr.FormatReference(ref)
	return out.put(signature, object{{"key-reference", key}},
		member{"signature", base64.StdEncoding.EncodeToString(signature)},
		note("wrote a signature of key "+key+" to "+out.path))
}
