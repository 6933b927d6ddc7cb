// Package attr is the attributes of a key object: which there are, what they
// are at first, who may set and change them, and how they are written, stored
// and searched for.
//
// Everything is derived from one table (table.go), whose rows follow the key
// object of AWS CloudHSM; what is not in the table does not exist. The package
// holds no key material: a modulus or a point is public, a check value says
// nothing useful about its key.
//
// Words:
//
//   - sort: class and key type together, "an EC private key"
//   - flag: an attribute that is true or false
//   - derived: an attribute that follows from the key or its history and that
//     nobody sets: check-value, local, always-sensitive, never-extractable …
package attr

// Class says which kind of object a key is.
type Class string

// The classes.
const (
	SecretKey  Class = "secret-key"
	PublicKey  Class = "public-key"
	PrivateKey Class = "private-key"
)

// KeyType is the family of algorithms a key belongs to.
type KeyType string

// The key types.
const (
	AES           KeyType = "aes"
	GenericSecret KeyType = "generic-secret"
	RSA           KeyType = "rsa"
	EC            KeyType = "ec"
)

// Name is the name of an attribute as CloudHSM writes it.
type Name string

// The attributes, in the order in which a key object shows them.
const (
	NameKeyType      Name = "key-type"
	Label            Name = "label"
	ID               Name = "id"
	CheckValue       Name = "check-value"
	NameClass        Name = "class"
	Encrypt          Name = "encrypt"
	Decrypt          Name = "decrypt"
	Token            Name = "token"
	AlwaysSensitive  Name = "always-sensitive"
	Derive           Name = "derive"
	Destroyable      Name = "destroyable"
	Extractable      Name = "extractable"
	Local            Name = "local"
	Modifiable       Name = "modifiable"
	NeverExtractable Name = "never-extractable"
	Private          Name = "private"
	Sensitive        Name = "sensitive"
	Sign             Name = "sign"
	Trusted          Name = "trusted"
	Unwrap           Name = "unwrap"
	Verify           Name = "verify"
	Wrap             Name = "wrap"
	WrapWithTrusted  Name = "wrap-with-trusted"
	KeyLengthBytes   Name = "key-length-bytes"
	PublicExponent   Name = "public-exponent"
	Modulus          Name = "modulus"
	ModulusSizeBits  Name = "modulus-size-bits"
	ECPoint          Name = "ec-point"
	NameCurve        Name = "curve"
)

// Error is a refusal: what was wrong with which word, and what to type.
type Error struct {
	Text   string // lower case, no full stop
	Hint   string // may be empty
	Denied bool   // the value is a right one, and may not be set
}

// Error is Text alone; the hint is shown on a line of its own.
func (e *Error) Error() string { return e.Text }
