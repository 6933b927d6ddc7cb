package commands

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"slices"
	"strings"
)

func showsPolicy(c *crash) string {
	var policy map[string]any
	c.data("policy show", &policy)
	return fmt.Sprint(policy)
}

// showsWho is whose session is open.
func showsWho(c *crash) string {
	var who struct{ Username string }
	if o := c.data("whoami", &who); o.code != 0 {
		return "nobody"
	}
	return who.Username
}

// showsSigned is how many signatures the audit log has.
func showsSigned(c *crash) string {
	var log struct{ Entries []struct{ Opcode string } }
	c.data("audit log", &log)
	n := 0
	for _, e := range log.Entries {
		if strings.Contains(e.Opcode, "SIGN") {
			n++
		}
	}
	return fmt.Sprintf("%d signed", n)
}

// showsFile is what the operation wrote: the same bytes each time.
func showsFile(c *crash) string {
	b, err := os.ReadFile(c.path("out.txt"))
	if err != nil {
		return "no file"
	}
	return fmt.Sprintf("%x", sha256.Sum256(b))
}

// showsIdentity is another each time, but as long.
func showsIdentity(c *crash) string {
	b, err := os.ReadFile(c.path("out.txt"))
	if err != nil {
		return "no file"
	}
	return fmt.Sprintf("%d bytes, %d of them zero", len(b), bytes.Count(b, []byte{0}))
}

func showsVaults(c *crash) string {
	var list struct{ Vaults []struct{ Name string } }
	c.data("vault list", &list)
	return fmt.Sprint(list.Vaults)
}

// checkConfirmed: what stdout confirmed is there.
func checkConfirmed(c *crash, o outcome) {
	labels, listed := c.labels(byAlice)
	for _, label := range []string{"third", "pair"} {
		if strings.Contains(o.out, label) && !slices.Contains(labels, label) {
			c.t.Errorf("%q was confirmed and is not there: %q %s", label, labels, listed.err)
		}
	}
}

// checkFile: where there is no file yet, it can be written.
func checkFile(c *crash, o outcome) {
	if _, err := os.Stat(c.path("out.txt")); err != nil {
		c.must(c.op.line)
	}
}

// checkIdentity: an identity whose recipient was printed is there.
func checkIdentity(c *crash, o outcome) {
	checkFile(c, o)
	for _, word := range strings.Fields(o.out) {
		if strings.HasPrefix(word, "age1") && !bytes.Contains(c.read("out.txt"), []byte(word)) {
			c.t.Errorf("the identity of %s is lost", word)
		}
	}
}

// checkVaults: a vault that was not added can be.
func checkVaults(c *crash, o outcome) {
	if showsVaults(c) == "[{usb}]" {
		c.must(c.op.line)
	}
	c.must("backup create" + byAdmin)
}

// checkBackups: whatever the vault names a backup is one, to the last byte.
func checkBackups(c *crash, o outcome) {
	v := c.run("backup verify --vault usb --identity key.txt")
	if v.code != 0 {
		c.t.Errorf("a backup in the vault is none: exit %d\n%s%s", v.code, v.out, v.err)
	}
	var list struct{ Backups []struct{ ID string } }
	c.data("backup list --vault usb", &list)
	if n := len(list.Backups); n < 1 || n > 2 || (c.confirmed(o) && n != 2) {
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
