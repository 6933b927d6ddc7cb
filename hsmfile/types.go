package hsmfile

import (
	"strings"
	"time"

	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/internal/filestore"
)

// Role is what a user may do. The zero value is no role.
type Role uint8

// The roles, in CloudHSM's terms: PRECO unactivated-admin, CO admin,
// CU crypto-user, AU appliance-user. Stored; never renumber.
const (
	PRECO Role = 1
	CO    Role = 2
	CU    Role = 3
	AU    Role = 4
)

// roleNames is every spelling accepted; the first of each row is printed.
var roleNames = map[Role][]string{
	PRECO: {"PRECO", "unactivated-admin"},
	CO:    {"CO", "admin", "crypto-officer"},
	CU:    {"CU", "crypto-user"},
	AU:    {"AU", "appliance-user"},
}

// String is the name that we print: CO, CU, AU or PRECO.
func (r Role) String() string {
	if n := roleNames[r]; n != nil {
		return n[0]
	}
	return "none"
}

// ParseRole reads our names and CloudHSM's, in any case.
func ParseRole(s string) (Role, error) {
	for _, r := range []Role{PRECO, CO, CU, AU} {
		for _, n := range roleNames[r] {
			if strings.EqualFold(n, s) {
				return r, nil
			}
		}
	}
	return 0, &Error{Kind: ErrUsage, Text: "invalid role " + quote(s), Hint: "the roles are CO (admin), CU (crypto-user) and AU (appliance-user)"}
}

// State is where an image is in its life. Stored; never renumber.
type State uint8

// uninitialized → active → zeroized → active …
const (
	Uninitialized State = 1
	Active        State = 2
	Zeroized      State = 3
)

func (s State) String() string {
	switch s {
	case Uninitialized:
		return "uninitialized"
	case Active:
		return "active"
	case Zeroized:
		return "zeroized"
	}
	return "unknown"
}

// CreateSpec says what a new image is to be.
type CreateSpec struct {
	Label   string // 1 to 32 characters; zeroize asks for it
	Mode    string // "non-fips" (default)
	Lockout string // "three-strikes" (default), "strict", "cloudhsm"
	Reset   string // "keeps-keys" (default) or "drops-keys": what a CO's password reset does to a CU's keys
}

// Options of an opened image.
type Options struct {
	LockTimeout    time.Duration // 0 means 10 s
	Warn           func(string)  // told what is odd but stops nothing; may be nil
	AcceptPrevious bool          // open a file of whose two meta pages one is damaged; Mend makes it whole
}

func (o Options) store() filestore.Options {
	return filestore.Options{LockTimeout: o.LockTimeout, AcceptPrevious: o.AcceptPrevious}
}

// Status is the page for three in the morning.
type Status struct {
	Path, Serial, Label, Mode string
	State                     State
	Fingerprint               string // hex SHA-256 of the first roster; empty before activation
	Generation                uint64
	KeyCount                  int
	UserCount                 int
	Lockout                   string
	Reset                     string
	Users                     []UserInfo
	Vaults                    []VaultInfo
	KeysNotInBackup           int // key objects made since the newest backup that a vault took, less those that a restore brought
	Attention                 []string
}

// UserInfo is what anyone may know of a user.
type UserInfo struct {
	Username       string
	Role           Role
	Locked         bool
	FailedAttempts int
	AttemptsLeft   int    // 0 if he is locked, or nothing is counted: a new or zeroized image
	OnLimit        string // "zeroize" or "lock": what the last wrong attempt does
	PasswordSetBy  string // the user, or the CO who set or reset it
	PasswordSetAt  time.Time
	WayOut         string // if he is locked and no CO could unlock him: what could be done
}

// VaultInfo is a vault of the image, and the newest backup that it took.
type VaultInfo struct {
	Name       string
	Location   string // absolute directory
	ID         string // hex
	Recipients []string
	LastBackup *BackupMark // nil if none is known to this image
}

// BackupMark names a backup that a vault took.
type BackupMark struct {
	ID         string
	Created    time.Time
	Generation uint64
}

// Policy is what the roster fixes beside users and vaults.
type Policy struct {
	Lockout    string        // preset
	Limits     []LockoutRule // by role
	Reset      string
	AuditLevel string // "state" or "all"
}

// LockoutRule is one row of the lockout table.
type LockoutRule struct {
	Role     Role
	Attempts int
	Action   string // "zeroize" or "lock"
}

// Key is a key object as its users see it; it holds no key material.
type Key struct {
	Reference  uint64
	Owner      string
	Shared     []string
	Attributes *attr.Set
}

// AuditEntry is one entry of the audit chain, as anyone may read it.
type AuditEntry struct {
	Sequence uint64
	Time     time.Time
	Opcode   string
	Code     uint16
	Username string
	Role     Role
	Keys     []uint64 // key references; private or secret half first
	Result   string   // "SUCCESS" or why not
	Subject  string   // the user or vault acted on
	Hash     string   // hex SHA-256 of the entry
	Unsigned bool     // later than the newest signed head
}
