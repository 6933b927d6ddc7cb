package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// place is a directory in which images are made and measured.
type place struct {
	tools, dir string
	program    string // of the tools: filehsm, or cheap
	fs         string
	env        []string
	table      table
}

// newPlace makes a directory below dir that is all that filehsm sees: its
// state, its sessions and its temporary files lie there too.
func newPlace(tools, dir string) *place {
	dir, err := os.MkdirTemp(dir, "filehsm-bench-")
	must(err, "mkdir", nil)
	p := &place{tools: tools, dir: dir, program: "filehsm"}
	for _, name := range []string{"XDG_RUNTIME_DIR", "XDG_STATE_HOME", "TMPDIR"} {
		sub := filepath.Join(dir, strings.ToLower(name))
		must(os.Mkdir(sub, 0o700), "mkdir", nil)
		p.env = append(p.env, name+"="+sub)
	}
	p.env = append(p.env, "XDG_CONFIG_HOME="+dir, "SOFTHSM2_CONF="+filepath.Join(dir, "softhsm2.conf"))
	for name, password := range passwords {
		must(os.WriteFile(p.path(name+".pw"), []byte(password+"\n"), 0o600), "write", nil)
	}
	must(os.WriteFile(p.path("data"), []byte("pay 12.50 to the bakery\n"), 0o600), "write", nil)
	p.fs = strings.TrimSpace(string(output(dir, nil, "stat", "-f", "-c", "%T", ".")))
	p.table.place = p.fs
	return p
}

var passwords = map[string]string{
	"admin": "blue horses count slowly", "alice": "seven kettles sing", "robot": "only at seventeen past two",
}

func (p *place) remove() { must(os.RemoveAll(p.dir), "rm", nil) }

func (p *place) path(name string) string { return filepath.Join(p.dir, name) }

// hsm runs filehsm, or cheap.
func (p *place) hsm(args ...string) cost {
	return run(p.dir, p.env, filepath.Join(p.tools, p.program), args...)
}

func (p *place) hsmOutput(args ...string) []byte {
	return output(p.dir, p.env, filepath.Join(p.tools, p.program), args...)
}

// image makes an image with its users, an EC key pair to sign with, n AES
// keys, and a session of alice's. It returns what making the keys took.
func (p *place) image(name string, n int) cost {
	p.hsm("create", "--image", name, "--label", "bench", "--username", "admin", "--new-password-file", "admin.pw")
	for user, role := range map[string]string{"alice": "CU", "robot": "AU"} {
		p.hsm("user", "create", "--image", name, "--username", user, "--role", role, "--new-password-file", user+".pw",
			"--as", "admin", "--password-file", "admin.pw")
	}
	p.hsm("login", "--image", name, "--username", "alice", "--password-file", "alice.pw", "--ttl", "8h")
	p.hsm("key", "generate-asymmetric-pair", "ec", "--image", name, "--label", "tls", "--usage", "sign")
	return p.hsm("key", "generate-symmetric", "aes", "--image", name, "--label", "k", "--count", fmt.Sprint(n))
}

func (p *place) copy(from, to string) {
	run(p.dir, p.env, "cp", from, to)
}

// zeroized makes a copy of an image, and wipes it.
func (p *place) zeroized(image, wiped string) {
	p.copy(image, wiped)
	p.hsm("zeroize", "--image", wiped, "--confirm", "bench", "--as", "admin", "--password-file", "admin.pw")
}

// vault gives an image a vault and an age identity, and robot a session.
func (p *place) vault(image string) (recipient, fingerprint string) {
	must(os.Mkdir(p.path("vault"), 0o700), "mkdir", nil)
	p.hsm("vault", "keygen", "--image", image, "--identity", "identity.txt")
	recipient = strings.TrimSpace(string(output(p.dir, nil, "age-keygen", "-y", "identity.txt")))
	p.hsm("vault", "add", "v", "vault", "--image", image, "--recipient", recipient, "--as", "admin", "--password-file", "admin.pw")
	p.hsm("login", "--image", image, "--username", "robot", "--password-file", "robot.pw", "--ttl", "8h")
	var status struct {
		Data struct{ Fingerprint string }
	}
	must(json.Unmarshal(p.hsmOutput("status", "--image", image, "--json"), &status), "status", nil)
	return recipient, status.Data.Fingerprint
}
