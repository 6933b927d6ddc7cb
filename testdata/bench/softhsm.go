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
	p                 *place
	module            string
	keys              int
	initialize, login []cost // of each loop
}

const softPIN = "3141592"

// softHSM makes the token; nil if SoftHSM2 is not here. Its keys are copies of
// one key's file, which it takes for as many keys: making them one by one
// takes minutes. The likeness is fair: a token of 10,000 keys that were made
// one by one takes the same for each figure here. What a new key costs is the
// list of file names, and forty times opening, locking and writing its own file.
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

// canLoop says whether there was a C compiler.
func (s *softHSM) canLoop() bool {
	if s == nil {
		return false
	}
	_, err := os.Stat(s.p.loopPath())
	return err == nil
}

func (p *place) loopPath() string { return filepath.Join(p.tools, "p11loop") }

// loop is a process that starts, logs in and makes keys: the median of them.
func (s *softHSM) loop() cost {
	var ms [3]float64
	out := output(s.p.dir, s.p.env, s.p.loopPath(), s.module, softPIN, fmt.Sprint(keysInLoop))
	_, err := fmt.Sscan(string(out), &ms[0], &ms[1], &ms[2])
	must(err, "p11loop", out)
	each := func(i int) cost { return cost{time: time.Duration(ms[i] * float64(time.Millisecond))} }
	s.initialize, s.login = append(s.initialize, each(0)), append(s.login, each(1))
	return each(2)
}

func (s *softHSM) sign() cost {
	return s.tool("--sign", "--mechanism", "ECDSA", "--label", "tls", "--input-file", "data", "--output-file", os.DevNull)
}

func (s *softHSM) list() cost { return s.tool("--list-objects") }

func (s *softHSM) name(what string) string {
	return fmt.Sprintf("SoftHSM2, %d keys: %s", s.keys, what)
}
