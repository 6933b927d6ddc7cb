package commands

import "filehsm/hsmfile/attr"

// maxSignature bounds what is read as a signature: above any that exists, so
// that what is longer still fails to verify.
const maxSignature = 4 << 10

func cryptoVerifyLeaf(mechanism, usage string) leaf {
	return leaf{
		name:    mechanism,
		usage:   "verify a signature " + usage,
		example: "filehsm crypto verify " + mechanism + " --key-filter tls --data-path message --signature-path signature",
		flags:   flags(signFlags("the public key to verify with; it must have verify=true"), inputFlags("signature", "the signature")),
		run:     func(c *call) (*Result, error) { return cryptoVerify(c, mechanism) },
	}
}

func cryptoVerify(c *call, mechanism string) (*Result, error) {
	if !c.Given("signature") && !c.Given("signature-path") {
		return nil, usageError("give --signature-path FILE or --signature BASE64", "no signature to verify")
	}
	spec, err := c.signSpec(mechanism)
	if err != nil {
		return nil, err
	}
	signature, err := c.readInput("signature", maxSignature)
	if err != nil {
		return nil, err
	}
	s, err := c.act()
	if err != nil {
		return nil, err
	}
	ref, err := s.Verify(c.ctx, spec, signature)
	if err != nil {
		return nil, err
	}
	key := attr.FormatReference(ref)
	return &Result{
		Data: object{{"message", "Signature verified successfully"}, {"key-reference", key}},
		View: note("signature verified: it was made with the private half of " + key),
	}, nil
}
