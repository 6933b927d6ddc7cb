package commands

import (
	"filehsm/hsmfile/attr"
)

const encodingPEM = "pem"

func keyGenerateFileLeaf() leaf {
	return leaf{
		name:    "generate-file",
		usage:   "write a public key to a PEM file",
		example: "filehsm key generate-file --encoding pem --path pub.pem --filter tls",
		flags: []flag{
			textFlag("encoding", "ENCODING", "pem, which is the default"),
			filterFlag("filter", "the public key; the label of a pair will do"),
			pathFlag(),
		},
		run: keyGenerateFile,
	}
}

func keyGenerateFile(c *call) (*Result, error) {
	if e := c.TextOr("encoding", encodingPEM); e != encodingPEM {
		return nil, usageError("--encoding pem writes a public key; private keys never leave in a file",
			"unsupported encoding %q", e)
	}
	f, err := c.oneKey("filter")
	if err != nil {
		return nil, err
	}
	out, err := c.openOutput(forAll)
	if err != nil {
		return nil, err
	}
	s, err := c.act()
	if err != nil {
		return nil, err
	}
	k, pem, err := s.PublicKeyPEM(c.ctx, f)
	if err != nil {
		return nil, err
	}
	data := object{{"message", "Successfully generated key file"}, {"key-reference", attr.FormatReference(k.Reference)}}
	return out.put(pem, data, member{"pem", string(pem)},
		note("wrote public key "+attr.FormatReference(k.Reference)+" to "+out.path))
}
