package commands

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
)

// TestGoldenKeys: the keys of the image, of its restored form and of its
// backups are the keys that they were: they make the same bytes, or bytes that
// the public keys of that time vouch for.
func TestGoldenKeys(t *testing.T) {
	backup := goldenBackups(t)[0]
	for name, make := range map[string]func(s *goldenScene){
		"active":   func(s *goldenScene) { s.use("active.hsm") },
		"restored": func(s *goldenScene) { s.use("restored.hsm") },
		"restored now, over the zeroized image": func(s *goldenScene) {
			s.use("zeroized.hsm")
			s.must("backup restore --from vault --identity key.txt --backup " + backup)
		},
		"restored now, where nothing was": func(s *goldenScene) {
			s.use("new.hsm")
			s.must("backup restore --from vault --identity key.txt --backup " + backup)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newGoldenScene(t, "active.hsm", "restored.hsm", "zeroized.hsm")
			make(s)
			s.alicesKeys()
			s.bobsKeys()
			s.must("image check")
			s.must("audit verify --all")
		})
	}
}

// TestGoldenBackups: both backups verify against an image, and the newest is
// what is restored.
func TestGoldenBackups(t *testing.T) {
	t.Parallel()
	s := newGoldenScene(t, "active.hsm")
	s.use("active.hsm")
	var list struct {
		Backups []struct {
			ID       string
			Verified bool
		}
	}
	if o := s.data("backup verify --from vault --identity key.txt", &list); o.code != 0 || o.err != "" {
		t.Errorf("exit %d %s", o.code, o.err)
	}
	if len(list.Backups) != 2 || !list.Backups[0].Verified || !list.Backups[1].Verified {
		t.Errorf("%+v", list)
	}
	s.use("new.hsm")
	s.must("backup restore --from vault --identity key.txt")
	labels, _ := s.labels(byAlice)
	if all := strings.Join(labels, " "); !strings.Contains(all, "later") {
		t.Errorf("alice has %s", all)
	}
}

// goldenBackups are the ids of the backups in the golden vault, the oldest
// first.
func goldenBackups(t *testing.T) (ids []string) {
	t.Helper()
	all, err := filepath.Glob(goldenDir + "/vault/*.age") // of one serial and growing generations
	if err != nil || len(all) != 2 {
		t.Fatal(all, err)
	}
	for _, path := range all {
		ids = append(ids, strings.TrimSuffix(filepath.Base(path), ".age"))
	}
	return ids
}

func (s *goldenScene) alicesKeys() {
	s.t.Helper()
	s.must("login --username alice --password-file alice.pw")
	for _, label := range goldenWrapped {
		s.same(label+".wrapped", "key wrap aes-zero-pad --wrapping-filter kek --payload-filter "+label)
	}
	s.same("code.sig", "crypto sign rsa-pkcs --key-filter code --data-path order.txt")
	for _, label := range goldenPairs {
		s.same(label+".pem", "key generate-file --encoding pem --filter "+label)
		s.must("crypto verify " + goldenMechanism(label) + " --key-filter " + label + " --data-path order.txt --signature-path " + s.path(label+".sig"))
		s.vouches(label, s.read(label+".sig"))
		s.vouches(label, s.output("crypto sign "+goldenMechanism(label)+" --key-filter "+label+" --data-path order.txt"))
	}
	s.must("key unwrap aes-zero-pad --filter kek --key-type-class aes --label new --data-path " + s.path("data.wrapped"))
	if now, then := s.checkValue("new"), s.checkValue("data"); now != then || now != s.checkValue("data-again") {
		s.t.Errorf("check values %s and %s", now, then)
	}
	s.must("logout")
}

// bobsKeys uses what alice shares with bob: one key that he took up then, one
// that he takes up now.
func (s *goldenScene) bobsKeys() {
	s.t.Helper()
	s.must("login --username bob --password-file bob.pw")
	s.vouches("tls", s.output("crypto sign ecdsa --key-filter tls --data-path order.txt"))
	s.same("code.sig", "crypto sign rsa-pkcs --key-filter code --data-path order.txt")
	if o := s.run("crypto sign ecdsa --key-filter big --data-path order.txt --path " + s.path("big.none")); o.code != 6 {
		s.t.Errorf("bob signs with what was taken back: exit %d\n%s", o.code, o.err)
	}
	s.must("logout")
}

// output is what a line writes with --path.
func (s *goldenScene) output(line string) []byte {
	s.t.Helper()
	s.made++
	name := fmt.Sprintf("made.%d", s.made)
	s.must(line + " --path " + s.path(name))
	return s.read(name)
}

// same runs a line whose output must be a golden file's.
func (s *goldenScene) same(name, line string) {
	s.t.Helper()
	if string(s.output(line)) != string(s.read(name)) {
		s.t.Errorf("%s: not what it was", name)
	}
}

func (s *goldenScene) checkValue(label string) string {
	s.t.Helper()
	var list struct {
		Keys []struct {
			Attributes map[string]any
		} `json:"matched_keys"`
	}
	s.data("key list --verbose --filter "+label, &list)
	return fmt.Sprint(list.Keys[0].Attributes["check-value"])
}

func goldenMechanism(label string) string {
	if label == "code" {
		return "rsa-pkcs"
	}
	return "ecdsa"
}

// vouches verifies a signature of order.txt with the golden public key, past
// all code of ours.
func (s *goldenScene) vouches(label string, sig []byte) {
	s.t.Helper()
	block, _ := pem.Decode(s.read(label + ".pem"))
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	s.ok(err)
	order := s.read("order.txt")
	short, long := sha256.Sum256(order), sha512.Sum512(order)
	good := false
	switch key := key.(type) {
	case *rsa.PublicKey:
		good = rsa.VerifyPKCS1v15(key, crypto.SHA256, short[:], sig) == nil
	case *ecdsa.PublicKey:
		digest, half := short[:], len(sig)/2
		if label == "big" {
			digest = long[:]
		}
		good = ecdsa.Verify(key, digest, new(big.Int).SetBytes(sig[:half]), new(big.Int).SetBytes(sig[half:]))
	}
	if !good {
		s.t.Errorf("%s: the signature is not of the key that it was", label)
	}
}
