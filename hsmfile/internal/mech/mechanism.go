package mech

import (
	"fmt"
	"strings"

	"filehsm/hsmfile/attr"
)

// Mechanism is a way to use a key.
type Mechanism struct {
	Name    string
	KeyType attr.KeyType
	// Needs says which half each use takes; the key must also have the
	// attribute of that name. A use that is missing is refused.
	Needs map[attr.Name]attr.Class

	wrap   wrapFunc
	unwrap unwrapFunc
	sign   signFunc
	verify verifyFunc
}

var (
	pairSigns   = map[attr.Name]attr.Class{attr.Sign: attr.PrivateKey, attr.Verify: attr.PublicKey}
	secretWraps = map[attr.Name]attr.Class{attr.Wrap: attr.SecretKey, attr.Unwrap: attr.SecretKey}
)

// mechanisms are all there are.
var mechanisms = []Mechanism{
	{Name: "ecdsa", KeyType: attr.EC, Needs: pairSigns, sign: signECDSA, verify: verifyECDSA},
	{Name: "rsa-pkcs", KeyType: attr.RSA, Needs: pairSigns, sign: signRSAPKCS, verify: verifyRSAPKCS},
	{Name: "aes-no-pad", KeyType: attr.AES, Needs: secretWraps, wrap: wrapNoPad, unwrap: unwrapNoPad},
	{Name: "aes-zero-pad", KeyType: attr.AES, Needs: secretWraps, wrap: wrapZeroPad, unwrap: unwrapZeroPad},
}

// Lookup finds a mechanism for a use (attr.Sign, attr.Verify, attr.Wrap,
// attr.Unwrap); the refusal lists those that exist for it.
func Lookup(name string, use attr.Name) (*Mechanism, error) {
	for i := range mechanisms {
		m := &mechanisms[i]
		if _, can := m.Needs[use]; can && m.Name == name {
			return m, nil
		}
	}
	return nil, unknown(fmt.Sprintf("mechanism to %s", use), name, Names(use))
}

// Names lists the mechanisms for a use.
func Names(use attr.Name) []string {
	var all []string
	for _, m := range mechanisms {
		if _, can := m.Needs[use]; can {
			all = append(all, m.Name)
		}
	}
	return all
}

// Takes says whether a key is of the sort that this use of the mechanism
// takes. The attribute is a second question, with an answer of its own.
func (m *Mechanism) Takes(use attr.Name, key *attr.Set) bool {
	class, can := m.Needs[use]
	return can && key.Class == class && key.KeyType == m.KeyType
}

// unknown refuses a word of which there is a fixed list.
func unknown(what, word string, choices []string) *Error {
	e := &Error{Kind: ErrUnsupported, Text: fmt.Sprintf("unknown %s: %q", what, word)}
	e.Hint = "available: " + strings.Join(choices, ", ")
	if near := attr.Nearest(word, choices); near != "" {
		e.Hint = fmt.Sprintf("did you mean %q? available: %s", near, strings.Join(choices, ", "))
	}
	return e
}
