package mech

import (
	"bytes"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// openssl runs the program in a directory that holds the files, or skips.
func openssl(t *testing.T, files map[string][]byte, args ...string) []byte {
	t.Helper()
	path, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("SKIPPED: openssl is not installed, so nothing is compared with it")
	}
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("openssl %q: %v\n%s", args, err, stderr.Bytes())
	}
	return out
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func TestOpenSSLWrapsAsWeDo(t *testing.T) {
	kek, _ := GenerateAES(32)
	for mechanism, c := range map[string]struct {
		cipher, iv string
		payload    int
	}{
		"aes-no-pad":   {"id-aes256-wrap", "A6A6A6A6A6A6A6A6", 32},
		"aes-zero-pad": {"id-aes256-wrap-pad", "A65959A6", 37},
	} {
		payload, _ := GenerateSecret(c.payload)
		theirs := openssl(t, map[string][]byte{"in": payload.Reveal()},
			"enc", "-"+c.cipher, "-K", hex.EncodeToString(kek.Reveal()), "-iv", c.iv, "-in", "in")
		ours, err := Wrap(mechanism, kek, payload)
		if err != nil || !bytes.Equal(ours, theirs) {
			t.Errorf("%s: ours %x, theirs %x, %v", mechanism, ours, theirs, err)
		}
	}
}

func TestOpenSSLVerifiesOurSignatures(t *testing.T) {
	ec, rsaPair := newEC(t, "secp384r1"), newRSA(t)
	for mechanism, pair := range map[string]Pair{"ecdsa": ec, "rsa-pkcs": rsaPair} {
		signature, err := Sign(mechanism, "sha384", pair.Private, digest(t, "sha384", "message"))
		if err != nil {
			t.Fatal(err)
		}
		if mechanism == "ecdsa" {
			signature = derSignature(t, signature)
		}
		openssl(t, map[string][]byte{"m": []byte("message"), "sig": signature, "pub": pemOf("PUBLIC KEY", pair.Public.Reveal())},
			"dgst", "-sha384", "-verify", "pub", "-signature", "sig", "m")
	}
}

func TestWeVerifyOpenSSLsSignatures(t *testing.T) {
	pair := newEC(t, "secp521r1")
	der := openssl(t, map[string][]byte{"m": []byte("message"), "key": pemOf("PRIVATE KEY", pair.Private.Reveal())},
		"dgst", "-sha512", "-sign", "key", "m")
	var rs struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &rs); err != nil {
		t.Fatal(err)
	}
	raw := append(rs.R.FillBytes(make([]byte, 66)), rs.S.FillBytes(make([]byte, 66))...)
	if err := Verify("ecdsa", "sha512", pair.Public, digest(t, "sha512", "message"), raw); err != nil {
		t.Error(err)
	}
}

// derSignature is what a user does who hands a signature of ours to OpenSSL.
func derSignature(t *testing.T, raw []byte) []byte {
	t.Helper()
	half := len(raw) / 2
	der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(raw[:half]), new(big.Int).SetBytes(raw[half:])})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestOpenSSLsKeysAreImported(t *testing.T) {
	for class, args := range map[string][]string{
		"ec-private":  {"genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"},
		"rsa-private": {"genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"},
	} {
		block, _ := pem.Decode(openssl(t, nil, args...))
		if block == nil || block.Type != "PRIVATE KEY" {
			t.Fatal("openssl made no PKCS #8")
		}
		if _, _, err := Import(class, hidden(block.Bytes)); err != nil {
			t.Errorf("%s: %v", class, err)
		}
	}
}
