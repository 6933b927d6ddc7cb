package attr

import "slices"

// Kind is how an attribute's value is written.
type Kind uint8

// The kinds of value.
const (
	Flag Kind = iota // true, false
	Text             // anything; class, key-type and curve have fixed words
	Hex              // 0x and pairs of digits, or nothing
	Int              // decimal, or 0x and digits
)

// Change says how an attribute may change once the key exists.
type Change uint8

// The ways to change, all subject to the key's own modifiable.
const (
	Never     Change = iota
	Freely           // by the owner, either way
	OnlyFalse        // by the owner, from true to false
	OnlyTrue         // by the owner, from false to true
	AdminOnly        // by a CO
)

// sorts is a set of sorts of key. Zero is none.
type sorts uint8

const (
	aes sorts = 1 << iota
	generic
	rsaPub
	ecPub
	rsaPriv
	ecPriv

	none    sorts = 0
	secret        = aes | generic
	public        = rsaPub | ecPub
	private       = rsaPriv | ecPriv
	rsaBoth       = rsaPub | rsaPriv
	ecBoth        = ecPub | ecPriv
	every         = secret | public | private
)

// sortTable lists the sorts that exist: a class and key type that are not
// here together are no key.
var sortTable = []struct {
	class   Class
	keyType KeyType
	sort    sorts
	word    string
}{
	{SecretKey, AES, aes, "an AES key"},
	{SecretKey, GenericSecret, generic, "a generic secret"},
	{PublicKey, RSA, rsaPub, "an RSA public key"},
	{PublicKey, EC, ecPub, "an EC public key"},
	{PrivateKey, RSA, rsaPriv, "an RSA private key"},
	{PrivateKey, EC, ecPriv, "an EC private key"},
}

// Row is one attribute.
type Row struct {
	Name   Name
	Kind   Kind
	Change Change

	bit   uint8  // flags: its place in the stored word; never reused
	has   sorts  // who has it at all
	on    sorts  // flags: whose default is true
	set   sorts  // at creation: who may have it set away from the default
	fixed bool   // settable in name only: no other value works here yet
	why   string // fixed or derived: the reason a refusal gives
}

const (
	fromCommand = "the command and its flags set it"
	fromKey     = "it follows from the key"
	fromHistory = "it follows from the key's history"
	byOfficer   = "only a CO sets it, on a key that exists"
	noSession   = "every key of this HSM is a token key"
	noPublic    = "every key of this HSM is private to its users"
)

// table is all there is, in the order of CloudHSM's key object. Which sorts
// may have a usage set follows what that sort can do at all, so that no key
// claims a use that no mechanism could honour.
var table = []Row{
	{Name: NameKeyType, Kind: Text, has: every, why: fromCommand},
	{Name: Label, Kind: Text, has: every, set: every, Change: Freely},
	{Name: ID, Kind: Hex, has: every, set: every, Change: Freely},
	{Name: CheckValue, Kind: Hex, has: every &^ generic, why: fromKey},
	{Name: NameClass, Kind: Text, has: every, why: fromCommand},
	{Name: Encrypt, bit: 0, has: every, set: aes | rsaPub, Change: Freely},
	{Name: Decrypt, bit: 1, has: every, set: aes | rsaPriv, Change: Freely},
	{Name: Token, bit: 2, has: every, on: every, set: every, Change: OnlyTrue, fixed: true, why: noSession},
	{Name: AlwaysSensitive, bit: 3, has: every, why: fromHistory},
	{Name: Derive, bit: 4, has: every, set: secret | ecPriv, Change: Freely},
	{Name: Destroyable, bit: 5, has: every, on: every, set: every, Change: Freely},
	{Name: Extractable, bit: 6, has: every, on: every, set: every, Change: OnlyFalse},
	{Name: Local, bit: 7, has: every, on: every, why: fromHistory},
	{Name: Modifiable, bit: 8, has: every, on: every, set: every, Change: OnlyFalse},
	{Name: NeverExtractable, bit: 9, has: every, why: fromHistory},
	{Name: Private, bit: 10, has: every, on: every, set: every, fixed: true, why: noPublic},
	{Name: Sensitive, bit: 11, has: every, on: secret | private, set: private},
	{Name: Sign, bit: 12, has: every, on: secret, set: secret | private, Change: Freely},
	{Name: Trusted, bit: 13, has: every, Change: AdminOnly, why: byOfficer},
	{Name: Unwrap, bit: 14, has: every, set: aes | rsaPriv, Change: Freely},
	{Name: Verify, bit: 15, has: every, on: secret, set: secret | public, Change: Freely},
	{Name: Wrap, bit: 16, has: every, set: aes | rsaPub, Change: Freely},
	{Name: WrapWithTrusted, bit: 17, has: every, set: every, Change: OnlyTrue},
	{Name: KeyLengthBytes, Kind: Int, has: every, why: fromCommand},
	{Name: PublicExponent, Kind: Int, has: rsaBoth, why: fromCommand},
	{Name: Modulus, Kind: Hex, has: rsaBoth, why: fromKey},
	{Name: ModulusSizeBits, Kind: Int, has: rsaBoth, why: fromCommand},
	{Name: ECPoint, Kind: Hex, has: ecBoth, why: fromKey},
	{Name: NameCurve, Kind: Text, has: ecBoth, why: fromCommand},
}

// Table returns a copy of all rows, in the order in which they are shown.
func Table() []Row { return slices.Clone(table) }

// Lookup finds an attribute by name; the refusal names the nearest right one.
func Lookup(name string) (Row, error) {
	if r := find(Name(name)); r != nil {
		return *r, nil
	}
	return Row{}, unknown("attribute", name, names())
}

func find(name Name) *Row {
	for i := range table {
		if table[i].Name == name {
			return &table[i]
		}
	}
	return nil
}

func names() []string {
	var all []string
	for _, r := range table {
		all = append(all, string(r.Name))
	}
	return all
}

// sortOf is none for a class and key type that do not go together.
func sortOf(class Class, keyType KeyType) (sorts, string) {
	for _, s := range sortTable {
		if s.class == class && s.keyType == keyType {
			return s.sort, s.word
		}
	}
	return none, "a key of unknown sort"
}
