package attr

import (
	"encoding/json"
	"strings"
	"testing"
)

// sets returns one new Set of each sort.
func sets() []*Set {
	var every []*Set
	for _, row := range sortTable {
		every = append(every, New(row.class, row.keyType))
	}
	return every
}

// An AES key with CloudHSM's defaults, as the CLI's manual prints it.
const aesObject = `{"key-type":"aes","label":"example-aes","id":"","check-value":"0x9b94bd",` +
	`"class":"secret-key","encrypt":false,"decrypt":false,"token":true,"always-sensitive":true,` +
	`"derive":false,"destroyable":true,"extractable":true,"local":true,"modifiable":true,` +
	`"never-extractable":false,"private":true,"sensitive":true,"sign":true,"trusted":false,` +
	`"unwrap":false,"verify":true,"wrap":false,"wrap-with-trusted":false,"key-length-bytes":16}`

// The public half of an RSA pair, likewise; its modulus is shortened.
const rsaObject = `{"key-type":"rsa","label":"a<b","id":"0x0102","check-value":"0x498e1f",` +
	`"class":"public-key","encrypt":false,"decrypt":false,"token":true,"always-sensitive":false,` +
	`"derive":false,"destroyable":true,"extractable":true,"local":true,"modifiable":true,` +
	`"never-extractable":false,"private":true,"sensitive":false,"sign":false,"trusted":false,` +
	`"unwrap":false,"verify":false,"wrap":false,"wrap-with-trusted":false,"key-length-bytes":512,` +
	`"public-exponent":"0x010001","modulus":"0xdfca","modulus-size-bits":2048}`

func TestJSONIsCloudHSMs(t *testing.T) {
	aes := New(SecretKey, AES)
	aes.Label, aes.CheckValue, aes.KeyLengthBytes = "example-aes", []byte{0x9b, 0x94, 0xbd}, 16
	rsa := New(PublicKey, RSA)
	rsa.Label, rsa.ID, rsa.CheckValue = "a<b", []byte{1, 2}, []byte{0x49, 0x8e, 0x1f}
	rsa.KeyLengthBytes, rsa.PublicExponent = 512, 65537
	rsa.Modulus, rsa.ModulusSizeBits = []byte{0xdf, 0xca}, 2048
	for want, set := range map[string]*Set{aesObject: aes, rsaObject: rsa} {
		got, err := set.MarshalJSON()
		if err != nil || string(got) != want {
			t.Errorf("got  %s (%v)\nwant %s", got, err, want)
		}
	}
}

func TestJSONShowsOnlyWhatAppliesToTheKey(t *testing.T) {
	for _, s := range sets() {
		text, err := json.Marshal(s)
		if err != nil || !json.Valid(text) {
			t.Fatalf("%s: %s, %v", s.Describe(), text, err)
		}
		for _, r := range Table() {
			_, has := s.Value(r.Name)
			if shown := strings.Contains(string(text), `"`+string(r.Name)+`":`); shown != has {
				t.Errorf("%s: %s shown %v, has %v", s.Describe(), r.Name, shown, has)
			}
		}
	}
	if _, has := New(SecretKey, GenericSecret).Value(CheckValue); has {
		t.Error("a generic secret has no check value")
	}
}

func TestEveryRowHasAValue(t *testing.T) {
	s := &Set{Class: "c", KeyType: "t", Label: "l", ID: []byte{1}, CheckValue: []byte{2}, KeyLengthBytes: 3,
		PublicExponent: 4, Modulus: []byte{5}, ModulusSizeBits: 6, ECPoint: []byte{7}, Curve: "x"}
	for _, r := range Table() {
		isBool := s.text(&r) == "true" || s.text(&r) == "false"
		if isBool != (r.Kind == Flag) {
			t.Errorf("%s: kind %d, value %q", r.Name, r.Kind, s.text(&r))
		}
	}
}

func TestFlagsHaveBitsOfTheirOwn(t *testing.T) {
	seen := map[uint8]Name{}
	for _, r := range Table() {
		if r.Kind != Flag {
			continue
		}
		if other, taken := seen[r.bit]; taken {
			t.Errorf("%s and %s share bit %d", r.Name, other, r.bit)
		}
		seen[r.bit] = r.Name
	}
}

func TestHistoryIsDerived(t *testing.T) {
	made, imported := New(PrivateKey, EC), NewImported(PrivateKey, EC)
	want := func(s *Set, name Name, value bool) {
		t.Helper()
		if s.Is(name) != value {
			t.Errorf("%s: %s is %v", s.Describe(), name, !value)
		}
	}
	for _, s := range []*Set{made, imported} {
		if err := s.Apply([]Assignment{{Extractable, "false"}}); err != nil {
			t.Fatal(err)
		}
	}
	want(made, Local, true)
	want(made, AlwaysSensitive, true)
	want(made, NeverExtractable, true)
	want(imported, Local, false)
	want(imported, AlwaysSensitive, false)
	want(imported, NeverExtractable, false)
	want(New(PublicKey, EC), AlwaysSensitive, false)
}

func TestExponentIsPrintedInWholeBytes(t *testing.T) {
	for e, want := range map[int]string{65537: "0x010001", 0x1000001: "0x01000001"} {
		if got := exponentText(e); got != want {
			t.Errorf("%d: %s, not %s", e, got, want)
		}
	}
}
