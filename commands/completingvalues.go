package commands

import (
	"strings"

	"filehsm/hsmfile/attr"
)

// A source knows the words that a flag or an argument takes.
type source func(q *question) []string

func fixed(words ...string) source {
	return func(*question) []string { return words }
}

// valueSources has the flags whose values can be listed without a login: key
// labels cannot. A test offers every fixed word to its command.
var valueSources = map[string]source{
	"as":                 userNames,
	"username":           userNames,
	shareUsers:           userNames,
	"vault":              vaultNames,
	"role":               fixed("CO", "CU", "AU"),
	"audit-level":        fixed("state", "all"),
	"name":               attributeNames,
	"lockout":            fixed("three-strikes", "strict", "cloudhsm"),
	"reset":              fixed("keeps-keys", "drops-keys"),
	"mode":               fixed("non-fips"),
	"curve":              func(*question) []string { return attr.Curves() },
	"hash-function":      fixed("sha1", "sha224", "sha256", "sha384", "sha512"),
	"data-type":          fixed("raw", "digest"),
	"encoding":           fixed("pem"),
	"key-type-class":     fixed("aes", "generic-secret", "ec-private", "rsa-private"),
	"usage":              fixed("sign", "encrypt", "wrap", "derive"),
	"attributes":         assignments,
	"public-attributes":  assignments,
	"private-attributes": assignments,
	"filter":             conditions,
	"key-filter":         conditions,
	"payload-filter":     conditions,
	"wrapping-filter":    conditions,
}

// argumentSources are those of arguments, by command; of others only their
// name in the help tells what they are.
var argumentSources = map[string]source{
	"vault remove": vaultNames,
}

// newNames are the commands whose --username is one that nobody has yet.
var newNames = map[string]bool{"create": true, "activate": true, "user create": true}

// valueOf answers for a flag's value, of which begun is typed.
func (q *question) valueOf(f flag, begun string) reply {
	if f.kind == kindSwitch {
		return wordReply("true", "false")
	}
	if f.name == "username" && newNames[strings.Join(q.line.path, " ")] {
		return wordReply()
	}
	if attribute, _, typed := strings.Cut(begun, "="); typed {
		return wordReply(valuesOf(attribute)...)
	}
	if from, ok := valueSources[f.name]; ok {
		return wordReply(from(q)...)
	}
	return placeholderReply(f.value)
}

// placeReply answers for an argument of a command.
func (q *question) placeReply(path, placeholder string) reply {
	if from, ok := argumentSources[path]; ok {
		return wordReply(from(q)...)
	}
	return placeholderReply(placeholder)
}

// placeholderReply goes by the word that stands for the value in the help.
func placeholderReply(word string) reply {
	switch word {
	case "FILE":
		return reply{kind: replyFiles}
	case "DIR":
		return reply{kind: replyDirectories}
	}
	return wordReply()
}

func wordReply(words ...string) reply {
	r := reply{kind: replyWords}
	for _, word := range words {
		r.words = append(r.words, suggestion{word: word})
	}
	return r
}

// assignments are the attributes that a user decides, up to their value.
func assignments(*question) (all []string) {
	for _, row := range attr.Table() {
		if row.Kind == attr.Flag && row.Change != attr.Never && row.Change != attr.AdminOnly {
			all = append(all, string(row.Name)+"=")
		}
	}
	return all
}

// attributeNames are those that can change on a key that exists.
func attributeNames(*question) (all []string) {
	for _, row := range attr.Table() {
		if row.Change != attr.Never {
			all = append(all, string(row.Name))
		}
	}
	return all
}

// conditions are what a filter can ask for, up to the value.
func conditions(*question) []string {
	all := []string{"key-reference="}
	for _, row := range attr.Table() {
		all = append(all, "attr."+string(row.Name)+"=")
	}
	return all
}

// valuesOf are the words that an attribute takes, with its name before them.
func valuesOf(attribute string) (all []string) {
	row, err := attr.Lookup(strings.TrimPrefix(attribute, "attr."))
	if err != nil {
		return nil
	}
	words := map[attr.Name][]string{
		attr.NameClass:   {string(attr.SecretKey), string(attr.PublicKey), string(attr.PrivateKey)},
		attr.NameKeyType: {string(attr.AES), string(attr.GenericSecret), string(attr.RSA), string(attr.EC)},
		attr.NameCurve:   attr.Curves(),
	}[row.Name]
	if row.Kind == attr.Flag {
		words = []string{"true", "false"}
	}
	for _, word := range words {
		all = append(all, attribute+"="+word)
	}
	return all
}
