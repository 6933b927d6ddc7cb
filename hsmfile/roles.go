package hsmfile

import "filehsm/hsmfile/internal/chain"

// operation is something a session does. Deny by default: an operation with
// no row, or a role that is not in it, is refused.
type operation int

const (
	opLogin operation = iota + 1
	opSession
	opCreateUser
	opDeleteUser
	opRenewKeys
	opChangeOwn
	opResetPassword
	opUnlock
	opGenerate
	opGeneratePair
	opListKeys
	opDeleteKey
	opReadPublic
	opWrap
	opUnwrap
	opSign
	opVerify
	opVault
	opBackup
	opZeroize
	opShare
	opUnshare
	opAdopt
	opSetAttribute
	opTrust
	opPolicy
)

// operations is the one table of rights: what each role may do, the words for
// a refusal, and the opcode of the audit entry.
var operations = map[operation]struct {
	roles  []Role
	what   string
	opcode chain.Opcode
}{
	opLogin:         {[]Role{CO, CU, AU}, "log in", chain.Login},
	opSession:       {[]Role{CO, CU, AU}, "open a session", chain.Login},
	opCreateUser:    {[]Role{CO}, "create users", chain.CreateUser},
	opDeleteUser:    {[]Role{CO}, "delete users", chain.DeleteUser},
	opRenewKeys:     {[]Role{CO, CU, AU}, "make new keys", chain.RenewKeys},
	opChangeOwn:     {[]Role{CO, CU, AU}, "change the own password", chain.ChangePassword},
	opResetPassword: {[]Role{CO}, "reset passwords", chain.ChangePassword},
	opUnlock:        {[]Role{CO}, "unlock users", chain.Unlock},
	opGenerate:      {[]Role{CU}, "generate keys", chain.GenerateKey},
	opGeneratePair:  {[]Role{CU}, "generate keys", chain.GenerateKeyPair},
	opListKeys:      {[]Role{CU}, "list keys", chain.ReadKeys},
	opDeleteKey:     {[]Role{CU}, "delete keys", chain.Tombstone},
	opReadPublic:    {[]Role{CU}, "read keys", chain.ReadKeys},
	opWrap:          {[]Role{CU}, "wrap keys", chain.WrapKey},
	opUnwrap:        {[]Role{CU}, "unwrap keys", chain.UnwrapKey},
	opSign:          {[]Role{CU}, "sign", chain.Sign},
	opVerify:        {[]Role{CU}, "verify signatures", chain.Verify},
	opVault:         {[]Role{CO}, "set vaults", chain.AddVault},
	opBackup:        {[]Role{CO, AU}, "make backups", chain.BackupBegin},
	opZeroize:       {[]Role{CO}, "zeroize", chain.Zeroize},
	opShare:         {[]Role{CU}, "share keys", chain.ShareObject},
	opUnshare:       {[]Role{CU}, "unshare keys", chain.UnshareObject},
	opAdopt:         {[]Role{CU}, "take up shared keys", chain.AdoptShare},
	opSetAttribute:  {[]Role{CU}, "change attributes of keys", chain.ModifyObject},
	opTrust:         {[]Role{CO}, "set trusted", chain.ModifyObject},
	opPolicy:        {[]Role{CO}, "set the policy", chain.SetPolicy},
}

// denyRole says who may, so that the next line typed is the right one.
func denyRole(path string, s *Session, op operation) error {
	row := operations[op]
	may := "nobody"
	for i, r := range row.roles {
		if i == 0 {
			may = r.withArticle()
		} else {
			may += " or " + r.String()
		}
	}
	return refuse(ErrDenied, "act as "+may+": --as NAME", "%s: user %q is %s and may not %s; %s may", path, s.name, s.Role().withArticle(), row.what, may)
}

func (r Role) withArticle() string {
	if r == AU {
		return "an " + r.String()
	}
	return "a " + r.String()
}
