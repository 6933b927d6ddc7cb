package commands

import (
	"strconv"
	"strings"

	"filehsm/hsmfile"
	"filehsm/hsmfile/attr"
)

// keyObject is a key as programs see it, in the form of CloudHSM's.
type keyObject struct {
	Reference  string    `json:"key-reference"`
	Info       keyInfo   `json:"key-info"`
	Attributes *attr.Set `json:"attributes"`
}

type keyInfo struct {
	Owners   []keyUser `json:"key-owners"`
	Shared   []keyUser `json:"shared-users"`
	Quorum   keyQuorum `json:"key-quorum-values"`
	Coverage string    `json:"cluster-coverage"`
}

type keyUser struct {
	Username string `json:"username"`
	Coverage string `json:"key-coverage"`
}

type keyQuorum struct {
	Manage int `json:"manage-key-quorum-value"`
	Use    int `json:"use-key-quorum-value"`
}

// fullCoverage: an image is a cluster of one, so what is there is everywhere.
const fullCoverage = "full"

func newKeyObject(k *hsmfile.Key) keyObject {
	return keyObject{
		Reference: attr.FormatReference(k.Reference),
		Info: keyInfo{
			Owners:   keyUsers(k.Owner),
			Shared:   keyUsers(k.Shared...),
			Quorum:   keyQuorum{k.Attributes.ManageQuorum, k.Attributes.UseQuorum},
			Coverage: fullCoverage,
		},
		Attributes: k.Attributes,
	}
}

func keyUsers(names ...string) []keyUser {
	all := []keyUser{}
	for _, name := range names {
		all = append(all, keyUser{name, fullCoverage})
	}
	return all
}

// can is what a key can do, without the word in front.
func can(s *attr.Set) string { return strings.TrimPrefix(s.Can(), "can: ") }

// keySort is type and size: "aes, 32 bytes".
func keySort(s *attr.Set) string {
	switch s.KeyType {
	case attr.RSA:
		return string(s.KeyType) + ", " + strconv.Itoa(s.ModulusSizeBits) + " bits"
	case attr.EC:
		return string(s.KeyType) + ", " + s.Curve
	}
	return string(s.KeyType) + ", " + strconv.Itoa(s.KeyLengthBytes) + " bytes"
}

// keyFacts is the whole key object for eyes.
func keyFacts(k *hsmfile.Key) facts {
	all := facts{
		{"key-reference", attr.FormatReference(k.Reference)},
		{"key-owners", k.Owner},
		{"shared-users", strings.Join(k.Shared, ", ")},
		{"can", can(k.Attributes)},
	}
	k.Attributes.Each(func(name attr.Name, value string) {
		all = append(all, fact{string(name), value})
	})
	return all
}
