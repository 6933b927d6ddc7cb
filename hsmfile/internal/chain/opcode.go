package chain

import "fmt"

// Opcode is what an entry is about, in CloudHSM's names ([AWS CloudHSM user
// guide, interpreting audit logs]). Where AWS prints a number it is ours too;
// our own numbers begin at 0x8000. Stored; never renumber.
type Opcode uint16

// The opcodes in use.
const (
	InitToken       Opcode = 0x01
	CreateUser      Opcode = 0x03
	CreateCO        Opcode = 0x04
	ChangePassword  Opcode = 0x09
	Login           Opcode = 0x0d
	Logout          Opcode = 0x0e
	ShareObject     Opcode = 0x12
	GenerateKey     Opcode = 0x17
	GenerateKeyPair Opcode = 0x19
	WrapKey         Opcode = 0x1a
	UnwrapKey       Opcode = 0x1b
	InitDone        Opcode = 0x95
	DeleteUser      Opcode = 0xa1
	CreateAU        Opcode = 0xfc
	Tombstone       Opcode = 0x8001
	Zeroize         Opcode = 0x8002
	BackupBegin     Opcode = 0x8003
	BackupEnd       Opcode = 0x8004
	RestoreEnd      Opcode = 0x8005
	ModifyObject    Opcode = 0x8006
	Unlock          Opcode = 0x8101
	LockUser        Opcode = 0x8102
	AddVault        Opcode = 0x8103
	RemoveVault     Opcode = 0x8104
	SetPolicy       Opcode = 0x8105
	UnshareObject   Opcode = 0x8106
	AdoptShare      Opcode = 0x8107
	MendImage       Opcode = 0x8108
	RenewKeys       Opcode = 0x8109
	Sign            Opcode = 0x8201
	Verify          Opcode = 0x8202
	ReadKeys        Opcode = 0x8203
)

// names has FH_ before what CloudHSM has no opcode for.
var names = map[Opcode]string{
	InitToken: "CN_INIT_TOKEN", CreateUser: "CN_CREATE_USER", CreateCO: "CN_CREATE_CO",
	ChangePassword: "CN_CHANGE_PSWD", Login: "CN_LOGIN", Logout: "CN_LOGOUT",
	GenerateKey: "CN_GENERATE_KEY", GenerateKeyPair: "CN_GENERATE_KEY_PAIR",
	WrapKey: "CN_WRAP_KEY", UnwrapKey: "CN_UNWRAP_KEY", InitDone: "CN_INIT_DONE",
	DeleteUser: "CN_DELETE_USER", CreateAU: "CN_CREATE_APPLIANCE_USER",
	Tombstone: "CN_TOMBSTONE_OBJECT", Zeroize: "CN_ZEROIZE",
	BackupBegin: "CN_BACKUP_BEGIN", BackupEnd: "CN_BACKUP_END", RestoreEnd: "CN_RESTORE_END",
	Unlock: "FH_UNLOCK_USER", LockUser: "FH_LOCK_USER",
	ShareObject: "CN_SHARE_OBJECT", ModifyObject: "CN_MODIFY_OBJECT",
	UnshareObject: "FH_UNSHARE_OBJECT", AdoptShare: "FH_ADOPT_SHARE", SetPolicy: "FH_SET_POLICY",
	AddVault: "FH_ADD_VAULT", RemoveVault: "FH_REMOVE_VAULT", MendImage: "FH_MEND_IMAGE", RenewKeys: "FH_RENEW_KEYS",
	Sign: "FH_SIGN", Verify: "FH_VERIFY", ReadKeys: "FH_READ_KEYS",
}

func (o Opcode) String() string {
	if n := names[o]; n != "" {
		return n
	}
	return fmt.Sprintf("0x%04x", uint16(o))
}
