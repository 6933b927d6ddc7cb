package commands

import "slices"

// A crashOp is one operation that writes, and how to see afterwards that it
// happened wholly or not at all.
type crashOp struct {
	name     string
	prepare  []string // on the scene of populate; see crash.prepare
	env      map[string]string
	bare     bool // no populate: there is no image yet
	line     string
	look     string              // what else than the image shows the state: a command that succeeds or not
	shows    func(*crash) string // and what no login is needed for
	check    func(*crash, outcome)
	verdict  string // printed only after a password was compared; the attempt must have been counted
	user     string // whose attempts count
	wipes    bool   // what it removes must be gone from the file
	quiet    bool   // the old state and the new one look the same
	volatile bool   // what it makes need not outlive the machine
	again    string // a command that must succeed afterwards, whatever had happened
	between  string // the third state, which a killed run may leave where the operation is two; a volatile one also when it fails
}

func crashOps() []crashOp {
	return slices.Concat(crashImage(), crashUsers(), crashKeys(), crashFiles(), crashVaults(), crashHalfDone())
}

func crashImage() []crashOp {
	return []crashOp{
		{name: "create", bare: true, line: "create --label prod --username admin --new-password-file admin.pw", between: "uninitialized"},
		{name: "activate", bare: true, prepare: []string{"create --label prod"}, line: "activate --username admin --new-password-file admin.pw"},
		{name: "zeroize", line: "zeroize --confirm prod" + byAdmin, wipes: true, user: "admin"},
		{name: "policy set", line: "policy set --lockout cloudhsm" + byAdmin, user: "admin", shows: showsPolicy},
		{name: "accept previous", prepare: []string{"tear", "remove state"}, line: "image check --accept-previous", again: "image check --accept-previous"},
	}
}

// inState has no directory for a session but the one that outlives the machine.
var inState = map[string]string{"XDG_RUNTIME_DIR": ""}

func crashUsers() []crashOp {
	wrong := "wrong user name or password"
	alice := "login --username alice --password-file alice.pw"
	return []crashOp{
		{name: "wrong login", line: "key list --as alice --password-file wrong.pw", verdict: wrong, user: "alice"},
		{name: "wrong login that wipes", prepare: []string{"!login --username admin --password-file wrong.pw", "!login --username admin --password-file wrong.pw"},
			line: "login --username admin --password-file wrong.pw --last-attempt", verdict: "wrong password", user: "admin", wipes: true},
		{name: "login", line: alice, user: "alice", look: "whoami", again: alice, volatile: true},
		{name: "login, kept in the state directory", env: inState, prepare: []string{alice, "logout"}, line: alice, user: "alice", look: "whoami", again: alice, volatile: true},
		{name: "login in place of another", env: inState, prepare: []string{"login --username bob --password-file bob.pw"}, line: alice, user: "alice", shows: showsWho, again: alice,
			volatile: true, between: "active, nobody"},
		{name: "logout", prepare: []string{alice}, line: "logout", look: "whoami", again: "logout"},
		{name: "logout, kept in the state directory", env: inState, prepare: []string{alice}, line: "logout", look: "whoami", again: alice},
		{name: "user create", line: "user create --username carol --role CU --new-password-file bob.pw" + byAdmin, user: "admin", look: "key list --as carol --password-file bob.pw"},
		{name: "user unlock", prepare: []string{"!key list --as bob --password-file wrong.pw", "!key list --as bob --password-file wrong.pw", "!key list --as bob --password-file wrong.pw"},
			line: "user unlock --username bob" + byAdmin, user: "admin"},
		{name: "user delete", prepare: []string{"key generate-symmetric aes --label bobs" + byBob}, line: "user delete --username bob --confirm bob" + byAdmin, user: "admin", wipes: true},
		{name: "password", line: "user change-password --new-password-file new.pw" + byAlice, user: "alice", wipes: true},
		{name: "password by another", line: "user change-password --username alice --role CU --new-password-file new.pw" + byAdmin, user: "admin", wipes: true},
	}
}

func crashKeys() []crashOp {
	share := "key share --filter first --username bob --role CU" + byAlice
	kek := "key generate-symmetric aes --label kek --usage wrap" + byAlice
	return []crashOp{
		{name: "generate", line: "key generate-symmetric aes --label third" + byAlice, user: "alice", check: checkConfirmed},
		{name: "generate pair", line: "key generate-asymmetric-pair ec --label pair" + byAlice, user: "alice", check: checkConfirmed},
		{name: "generate many", line: "key generate-symmetric aes --label many --count 5" + byAlice, user: "alice"},
		{name: "unwrap", prepare: []string{kek, "key wrap aes-zero-pad --payload-filter first --wrapping-filter kek --path out.txt" + byAlice},
			line: "key unwrap aes-zero-pad --filter kek --data-path out.txt --key-type-class aes --label third" + byAlice, user: "alice", check: checkConfirmed},
		{name: "delete", line: "key delete --filter first" + byAlice, user: "alice", wipes: true},
		{name: "set-attribute", line: "key set-attribute --filter first --name label --value renamed" + byAlice, user: "alice", wipes: true},
		{name: "share", line: share, user: "alice"},
		{name: "adopt", prepare: []string{share}, line: "key list" + byBob, user: "bob", quiet: true},
		{name: "unshare", prepare: []string{share, "key list" + byBob}, line: "key unshare --filter first --username bob --role CU" + byAlice, user: "alice", wipes: true},
		{name: "a use that is recorded", prepare: []string{"key generate-asymmetric-pair ec --label tls --usage sign" + byAlice, "policy set --audit-level all" + byAdmin},
			line: "crypto sign ecdsa --key-filter tls --data AAAA --json" + byAlice, user: "alice", shows: showsSigned},
	}
}

func crashFiles() []crashOp {
	pair := "key generate-asymmetric-pair ec --label tls --usage sign" + byAlice
	kek := "key generate-symmetric aes --label kek --usage wrap" + byAlice
	return []crashOp{
		{name: "generate-file", prepare: []string{pair}, line: "key generate-file --filter tls --path out.txt" + byAlice, user: "alice", shows: showsFile, check: checkFile},
		{name: "wrap", prepare: []string{kek}, line: "key wrap aes-zero-pad --payload-filter first --wrapping-filter kek --path out.txt" + byAlice, user: "alice", shows: showsFile, check: checkFile},
		{name: "vault keygen", line: "vault keygen --identity out.txt", shows: showsIdentity, check: checkIdentity},
	}
}

func crashVaults() []crashOp {
	backup := "backup create" + byAdmin
	restore := "backup restore --vault usb --identity key.txt"
	return []crashOp{
		{name: "vault add", prepare: []string{"mkdir disk"}, line: "vault add disk disk --recipient RECIPIENT" + byAdmin, user: "admin", shows: showsVaults, check: checkVaults},
		{name: "vault remove", line: "vault remove usb" + byAdmin, user: "admin", shows: showsVaults},
		{name: "backup", prepare: []string{backup}, line: backup, user: "admin", quiet: true, check: checkBackups, again: backup},
		{name: "restore", prepare: []string{backup, "zeroize --confirm prod" + byAdmin}, line: restore, check: checkRestored},
		{name: "restore elsewhere", prepare: []string{backup, "remove prod.hsm"}, line: "backup restore --from usb --identity key.txt", check: checkRestored},
	}
}

// crashHalfDone are what a killed process left, and whoever opens next
// finishes.
func crashHalfDone() []crashOp {
	backup := "backup create" + byAdmin
	return []crashOp{
		{name: "an attempt to settle", prepare: []string{"attempt login --username alice --password-file alice.pw"}, line: "status", user: "alice", quiet: true},
		{name: "a scrub to finish", prepare: []string{"half key delete --filter first" + byAlice}, line: "status", user: "alice", quiet: true, wipes: true},
		{name: "a zeroization to finish", prepare: []string{"half zeroize --confirm prod" + byAdmin}, line: "status", user: "admin", quiet: true, wipes: true},
		{name: "a deletion to finish", prepare: []string{"key generate-symmetric aes --label bobs" + byBob, "half user delete --username bob --confirm bob" + byAdmin},
			line: "status", user: "admin", quiet: true, wipes: true},
		{name: "a restore to finish", prepare: []string{backup, "zeroize --confirm prod" + byAdmin, "half backup restore --vault usb --identity key.txt"}, line: "status", quiet: true},
	}
}
