package commands

import (
	"bytes"
	"fmt"
	"strings"
)

// A crashOp is one operation that writes, and how to see afterwards that it
// happened wholly or not at all.
type crashOp struct {
	name    string
	prepare []string // on the scene of populate
	bare    bool     // no populate: there is no image yet
	line    string
	look    string // what else than the image shows the state: a command, its exit code counts
	check   func(*crash, outcome)
	verdict string // printed only after a password was compared; the attempt must have been counted
	user    string // whose attempts count
	wipes   bool   // what it removes must be gone from the file
	again   string // a command that must succeed afterwards, whatever had happened
	between string // the third state, which a killed run may leave where the operation is two
}

func crashOps() []crashOp {
	wrong := "wrong user name or password"
	return []crashOp{
		{name: "create", bare: true, line: "create --label prod --username admin --new-password-file admin.pw", between: "uninitialized"},
		{name: "wrong login", line: "key list --as alice --password-file wrong.pw", verdict: wrong, user: "alice"},
		{name: "wrong login that wipes", prepare: []string{"!login --username admin --password-file wrong.pw", "!login --username admin --password-file wrong.pw"},
			line: "login --username admin --password-file wrong.pw --last-attempt", verdict: "wrong password", user: "admin", wipes: true},
		{name: "login", line: "login --username alice --password-file alice.pw", user: "alice", look: "whoami", again: "login --username alice --password-file alice.pw"},
		{name: "logout", prepare: []string{"login --username alice --password-file alice.pw"}, line: "logout", look: "whoami", again: "logout"},
		{name: "generate", line: "key generate-symmetric aes --label third" + byAlice, user: "alice", check: checkConfirmed},
		{name: "generate pair", line: "key generate-asymmetric-pair ec --label pair" + byAlice, user: "alice", check: checkConfirmed},
		{name: "generate many", line: "key generate-symmetric aes --label many --count 5" + byAlice, user: "alice"},
		{name: "delete", line: "key delete --filter first" + byAlice, user: "alice", wipes: true},
		{name: "set-attribute", line: "key set-attribute --filter first --name label --value renamed" + byAlice, user: "alice", wipes: true},
		{name: "password", line: "user change-password --new-password-file new.pw" + byAlice, user: "alice", wipes: true},
		{name: "share", line: "key share --filter first --username bob --role CU" + byAlice, user: "alice"},
		{name: "unshare", prepare: []string{"key share --filter first --username bob --role CU" + byAlice, "key list" + byBob},
			line: "key unshare --filter first --username bob --role CU" + byAlice, user: "alice", wipes: true},
		{name: "user delete", prepare: []string{"key generate-symmetric aes --label bobs" + byBob}, line: "user delete --username bob --confirm bob" + byAdmin, user: "admin", wipes: true},
		{name: "backup", prepare: []string{"backup create" + byAdmin}, line: "backup create" + byAdmin, user: "admin", check: checkBackups, again: "backup create" + byAdmin},
		{name: "zeroize", line: "zeroize --confirm prod" + byAdmin, wipes: true, user: "admin"},
		{name: "restore", prepare: []string{"backup create" + byAdmin, "zeroize --confirm prod" + byAdmin},
			line: "backup restore --vault usb --identity key.txt", check: checkRestored},
		{name: "restore elsewhere", prepare: []string{"backup create" + byAdmin, "!rm prod.hsm"},
			line: "backup restore --from usb --identity key.txt", check: checkRestored, between: "absent"},
	}
}

// checkConfirmed: what stdout confirmed is there.
func checkConfirmed(c *crash, o outcome) {
	labels, listed := c.labels(byAlice)
	for _, label := range []string{"third", "pair"} {
		if strings.Contains(o.out, label) && !strings.Contains(strings.Join(labels, " "), label) {
			c.t.Errorf("%q was confirmed and is not there: %q %s", label, labels, listed.err)
		}
	}
}

// checkBackups: whatever the vault names a backup is one, to the last byte.
func checkBackups(c *crash, o outcome) {
	v := c.run("backup verify --vault usb --identity key.txt")
	if v.code != 0 {
		c.t.Errorf("a backup in the vault is none: exit %d\n%s%s", v.code, v.out, v.err)
	}
	var list struct{ Backups []struct{ ID string } }
	c.data("backup list --vault usb", &list)
	if n := len(list.Backups); n < 1 || n > 2 || (o.code == 0 && n != 2) {
		c.t.Errorf("exit %d, and %d backups", o.code, n)
	}
}

// checkRestored: after a restore that was killed or refused, another succeeds.
func checkRestored(c *crash, o outcome) {
	if c.state() != "active" {
		c.must(c.op.line)
	}
	labels, listed := c.labels(byAlice)
	if got := fmt.Sprint(labels); got != "[first second]" {
		c.t.Errorf("after the restore alice has %s\n%s", got, listed.err)
	}
}

// remains is what of the image before is still in the image: the 16-byte
// pieces, by their offset.
func remains(before, after []byte) map[int]bool {
	there := map[[16]byte]bool{}
	for i := 0; i+16 <= len(after); i++ {
		if p := [16]byte(after[i:]); sealed(p) {
			there[p] = true
		}
	}
	left := map[int]bool{}
	for i := 0; i+16 <= len(before); i += 16 {
		if p := [16]byte(before[i:]); sealed(p) && there[p] {
			left[i] = true
		}
	}
	return left
}

// sealed: a piece of a sealed record has hardly a zero in it.
func sealed(p [16]byte) bool { return bytes.Count(p[:], []byte{0}) < 4 }

// residue is the offset in the image before of something that a clean run
// removes and this one has left, -1 for nothing. Where pages are cut in other
// places, a piece across two records may survive; four in a row are a record.
func residue(clean, left map[int]bool) int {
	for i := range left {
		found := true
		for j := i; j < i+64; j += 16 {
			found = found && left[j] && !clean[j]
		}
		if found {
			return i
		}
	}
	return -1
}
