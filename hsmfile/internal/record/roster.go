package record

import "crypto/sha256"

// Roster is the one signed statement of who may do what in an image.
type Roster struct {
	_         struct{} `cbor:",toarray"`
	ImageID   []byte
	Serial    string
	Mode      uint8
	Reset     uint8
	Epoch     uint64 // 1 for the first
	Prev      []byte // hash of the roster before; empty in the first
	Kept      []byte // hash of the newest kept roster before; empty in the first
	KeptEpoch uint64
	Officers  uint8 // M: how many officers must sign the next
	Users     []User
	Policy    Policy
	Vaults    []Vault
	Trusted   []Trusted
}

// Trusted is a key that officers trust as a wrapping key: whose, and which.
type Trusted struct {
	_         struct{} `cbor:",toarray"`
	Owner     []byte
	Reference uint64
}

// User is one row of a roster.
type User struct {
	_       struct{} `cbor:",toarray"`
	ID      []byte
	Name    string
	Role    uint8
	Gen     uint32 // newest generation of public keys at signing
	Public  []byte // hash of those keys
	MinGen  uint32 // a password login below this generation makes a new one
	Created int64  // Unix milliseconds
}

// Policy is what officers set for the image.
type Policy struct {
	_          struct{} `cbor:",toarray"`
	Lockout    string
	AuditLevel string
}

// Vault is a place outside that keeps backups.
type Vault struct {
	_          struct{} `cbor:",toarray"`
	Name       string
	Location   string
	ID         string
	Recipients []string
}

// Signature is one officer's, over the roster's encoding.
type Signature struct {
	_    struct{} `cbor:",toarray"`
	User []byte
	Sig  []byte
}

// SignedRoster is the record: the roster's encoding, and who signed it.
type SignedRoster struct {
	_    struct{} `cbor:",toarray"`
	Body []byte
	Sigs []Signature
}

// Hash names a roster: SHA-256 of its encoding without signatures.
func (s *SignedRoster) Hash() []byte { return Hash(s.Body) }

// Hash is SHA-256.
func Hash(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:]
}

// ByName finds a user; nil if there is none.
func (r *Roster) ByName(name string) *User {
	for i := range r.Users {
		if r.Users[i].Name == name {
			return &r.Users[i]
		}
	}
	return nil
}

// ByID finds a user; nil if there is none.
func (r *Roster) ByID(id string) *User {
	for i := range r.Users {
		if string(r.Users[i].ID) == id {
			return &r.Users[i]
		}
	}
	return nil
}

// VaultByName finds a vault; nil if there is none.
func (r *Roster) VaultByName(name string) *Vault {
	for i := range r.Vaults {
		if r.Vaults[i].Name == name {
			return &r.Vaults[i]
		}
	}
	return nil
}
