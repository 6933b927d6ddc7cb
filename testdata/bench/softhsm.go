package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// softHSM is SoftHSM2 with as many keys as SOFTHSM_KEYS says.
type softHSM struct {
	p                      *place
	module                 string
	keys                   int
	initialize, login, key time.Duration
}

const softPIN = "3141592"

// softHSM makes the token; nil if SoftHSM2 is not here. Its keys are copies of
// one key's file, which it takes for as many keys: making them one by one
// takes minutes.
func (p *place) softHSM() *softHSM {
	module := softModule()
	if module == "" || !have("softhsm2-util") || !have("pkcs11-tool") {
		return nil
	}
	s := &softHSM{p: p, module: module, keys: number("SOFTHSM_KEYS", medium)}
	must(os.Mkdir(p.path("tokens"), 0o700), "mkdir", nil)
	conf := "directories.tokendir = " + p.path("tokens") + "\nobjectstore.backend = file\nlog.level = ERROR\n"
	must(os.WriteFile(p.path("softhsm2.conf"), []byte(conf), 0o600), "write", nil)
	run(p.dir, p.env, "softhsm2-util", "--init-token", "--free", "--label", "bench", "--pin", softPIN, "--so-pin", softPIN)
	s.tool("--keygen", "--key-type", "aes:32", "--label", "k")
	s.multiply()
	s.tool("--keypairgen", "--key-type", "EC:secp256r1", "--label", "tls", "--usage-sign")
	s.loop()
	return s
}

func softModule() string {
	for _, pattern := range []string{"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib*/*/softhsm/libsofthsm2.so", "/usr/lib*/softhsm/libsofthsm2.so", "/opt/homebrew/lib/softhsm/libsofthsm2.so"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return found[0]
		}
	}
	return ""
}

func (s *softHSM) tool(args ...string) cost {
	return run(s.p.dir, s.p.env, "pkcs11-tool", append([]string{"--module", s.module, "--token-label", "bench", "--login", "--pin", softPIN}, args...)...)
}

// multiply copies the one key under new names.
func (s *softHSM) multiply() {
	found, err := filepath.Glob(s.p.path("tokens/*/*.object"))
	must(err, "glob", nil)
	for _, path := range found {
		b, err := os.ReadFile(path)
		must(err, "read", nil)
		if strings.HasSuffix(path, "token.object") {
			continue
		}
		for i := 1; i < s.keys; i++ {
			name := fmt.Sprintf("%08x-0000-4000-8000-000000000000.object", i)
			must(os.WriteFile(filepath.Join(filepath.Dir(path), name), b, 0o600), "write", nil)
		}
	}
}

// loop is what one process pays.
func (s *softHSM) loop() {
	bin := filepath.Join(s.p.tools, "p11loop")
	if _, err := os.Stat(bin); err != nil {
		return
	}
	var ms [3]float64
	out := output(s.p.dir, s.p.env, bin, s.module, softPIN, fmt.Sprint(10*runs()))
	_, err := fmt.Sscan(string(out), &ms[0], &ms[1], &ms[2])
	must(err, "p11loop", out)
	each := func(i int) time.Duration { return time.Duration(ms[i] * float64(time.Millisecond)) }
	s.initialize, s.login, s.key = each(0), each(1), each(2)
}

func (s *softHSM) sign() cost {
	return s.tool("--sign", "--mechanism", "ECDSA", "--label", "tls", "--input-file", "data", "--output-file", os.DevNull)
}

func (s *softHSM) list() cost { return s.tool("--list-objects") }

func (s *softHSM) name(what string) string {
	return fmt.Sprintf("SoftHSM2, %d keys: %s", s.keys, what)
}
