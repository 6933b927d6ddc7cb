package commands

import (
	"filehsm/hsmfile"
	"filehsm/hsmfile/attr"
)

const (
	defaultCurve    = "secp256r1"
	defaultModulus  = 3072
	defaultExponent = 65537
)

func generateRSALeaf() leaf {
	return leaf{
		name:    "rsa",
		usage:   "make an RSA key pair",
		example: "filehsm key generate-asymmetric-pair rsa --label code --usage sign\nfilehsm key generate-asymmetric-pair rsa --modulus-size-bits 2048 --public-exponent 65537 --public-label code-pub --private-label code --private-attributes sign=true",
		flags: flags([]flag{
			numberFlag("modulus-size-bits", "N", "2048 to 4096 in steps of 256, default 3072"),
			numberFlag("public-exponent", "N", "65537, which is the default"),
		}, pairFlags()),
		run: func(c *call) (*Result, error) {
			return c.generatePair(hsmfile.PairSpec{
				Type:     attr.RSA,
				Bits:     c.NumberOr("modulus-size-bits", defaultModulus),
				Exponent: c.NumberOr("public-exponent", defaultExponent),
			})
		},
	}
}

func generateECLeaf() leaf {
	return leaf{
		name:    "ec",
		usage:   "make an elliptic curve key pair",
		example: "filehsm key generate-asymmetric-pair ec --label tls --usage sign",
		flags: flags([]flag{
			textFlag("curve", "CURVE", "secp224r1, secp256r1 (the default), secp384r1 or secp521r1"),
		}, pairFlags()),
		run: func(c *call) (*Result, error) {
			return c.generatePair(hsmfile.PairSpec{Type: attr.EC, Curve: c.TextOr("curve", defaultCurve)})
		},
	}
}

func pairFlags() []flag {
	return []flag{
		textFlag("label", "LABEL", "the label of both halves"),
		textFlag("public-label", "LABEL", "the public half's own label"),
		textFlag("private-label", "LABEL", "the private half's own label"),
		usageFlag(),
		attributesFlag("public-attributes", "set these attributes of the public half"),
		attributesFlag("private-attributes", "set these attributes of the private half"),
		shareUsersFlag(),
		countFlag("key pairs"),
	}
}

func (c *call) generatePair(spec hsmfile.PairSpec) (_ *Result, err error) {
	if spec.PublicLabel, err = c.label("public-label", "label"); err != nil {
		return nil, err
	}
	if spec.PrivateLabel, err = c.label("private-label", "label"); err != nil {
		return nil, err
	}
	spec.Usage = c.Words("usage")
	spec.PublicAttributes, spec.PrivateAttributes = c.Words("public-attributes"), c.Words("private-attributes")
	spec.ShareWith = c.Words(shareUsers)
	if err := c.checkCount(); err != nil {
		return nil, err
	}
	s, err := c.actSharing()
	if err != nil {
		return nil, err
	}
	if c.Given("count") {
		return c.many(s, pairsMaker(spec, s))
	}
	public, private, err := s.GeneratePair(c.ctx, spec)
	if err != nil {
		return nil, err
	}
	return c.pairMade(s.Image(), public, private), nil
}
