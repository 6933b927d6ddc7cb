package commands

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"
)

// An imageVictim is asked everything that its users ask. Each answer is a
// refusal or the one that the undamaged image gives.
type imageVictim struct {
	*scene
	image, session []byte
	signer         *ecdsa.PublicKey
	places         []string
	lines          []string
	answers        map[string]string // by line
	over           string            // what status says when alice's session is over
}

// What an image is asked: first what reads it, without a login and with
// alice's session, then logins, which write. A listing opens every key and a
// status reads users, vaults and policy.
var (
	imageReaders = []string{"audit log", "status", "key list --verbose", signLine,
		"key wrap aes-zero-pad --payload-filter second --wrapping-filter kek"}
	imageWriters = []string{"key list --verbose" + byBob, "key list --verbose" + byAlice}
)

const signLine = "crypto sign ecdsa --key-filter pair --data QQ=="

const loginAlice = "login --username alice --password-file alice.pw --ttl 24h"

// tamperScene has a record of every kind: users of each role, keys and a pair,
// one key shared and taken up, one offered, an open session, a vault with a
// backup. What alice does, she does in her session: each login would be an
// entry and a signature more to flip, and to verify after each flip.
func tamperScene(t *testing.T) *scene {
	s := newScene(t)
	s.populate()
	s.must("user create --username robot --role AU --new-password-file new.pw" + byAdmin)
	s.env["FILEHSM_SESSION"] = s.path("session")
	s.must(loginAlice)
	s.must("key generate-symmetric aes --label kek --usage wrap")
	s.must("key generate-asymmetric-pair ec --label pair --usage sign")
	s.must("key share --filter kek --username bob --role CU")
	s.must("key generate-symmetric aes --label bobs" + byBob) // takes it up, too
	s.must("key set-attribute --filter first --name label --value renamed")
	s.must("key share --filter second --username bob --role CU")
	s.must("backup create --as robot --password-file new.pw")
	s.must("logout")
	s.must(loginAlice)                                  // signs what came before
	s.must("key generate-symmetric aes --label newest") // nobody has signed this entry yet
	s.cutTail()
	return s
}

// cutTail leaves two pages past the last one, as a commit that failed may: no
// meta page refers to any. What reads one by mistake reads the first of them,
// which follows those in use, or the last of the file.
func (s *scene) cutTail() {
	image := s.read("prod.hsm")
	end := len(image)
	if i := findPlace(imagePlaces(image), pastTheLast); i >= 0 {
		end = i
	}
	s.ok(os.Truncate(s.path("prod.hsm"), int64(end+2*imagePage)))
}

func tamperImage(t *testing.T) {
	s := tamperScene(t)
	image := s.read("prod.hsm")
	places := imagePlaces(image)
	if i := findPlace(places, ""); i >= 0 {
		t.Fatalf("byte %#x of the image belongs to nothing", i)
	}
	harmless := map[string]int{}
	for _, at := range s.tamper("image", newFlipRun(len(image), 250), 2) {
		harmless[places[at]]++
		if whyHarmless[places[at]] == "" {
			t.Errorf("byte %#x (%s): nothing was found", at, places[at])
		}
	}
	for place, n := range harmless {
		t.Logf("%d in a %s: %s", n, place, whyHarmless[place])
	}
}

func findPlace(places []string, name string) int {
	for i, p := range places {
		if p == name {
			return i
		}
	}
	return -1
}

func (v *imageVictim) prepare(s *scene) {
	v.scene, v.answers = s, map[string]string{}
	var err error
	v.image, err = os.ReadFile(s.path("prod.hsm"))
	must0(err)
	v.session, err = os.ReadFile(s.path("session"))
	must0(err)
	v.places = imagePlaces(v.image)
	v.put(v.image)
	o := s.run("key generate-file --filter pair --path -")
	block, _ := pem.Decode([]byte(o.out))
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	must0(err)
	v.signer = key.(*ecdsa.PublicKey)
	v.lines = append(append(v.lines, imageReaders...), imageWriters...)
	for _, line := range v.lines {
		v.answers[line] = v.answer(line)
	}
	v.put(v.image)
	must0(os.Remove(v.env["FILEHSM_SESSION"]))
	v.over = v.answer("status")
}

// answer is what an undamaged image answers.
func (v *imageVictim) answer(line string) string {
	o := v.run(line + " --json")
	if o.code != 0 {
		panic(fmt.Sprintf("%s: exit %d\n%s", line, o.code, o.err))
	}
	return o.out
}

// put lays an image there, and the session that was open then.
func (v *imageVictim) put(image []byte) {
	must0(os.WriteFile(v.env["FILEHSM_IMAGE"], image, 0o600))
	must0(os.WriteFile(v.env["FILEHSM_SESSION"], v.session, 0o600))
	must0(os.RemoveAll(v.env["XDG_STATE_HOME"]))
}

func (v *imageVictim) flip(at int) verdict {
	d := accident
	if v.places[at] == unsignedEntry {
		d = toUnsigned
	}
	return v.use(bitFlipped(v.image, at), d)
}

// A damage is what was done to an image: what an answer may be depends on it.
type damage int

const (
	accident   damage = iota
	toUnsigned        // it is in an audit entry that nobody signed yet, and nowhere else
	rollback          // several records may be older ones, rightly sealed: image check alone finds those
)

// use asks a damaged image everything.
func (v *imageVictim) use(image []byte, d damage) (got verdict) {
	v.put(image)
	v.judge(&got, d, "image check", v.run("image check"))
	for _, line := range v.lines {
		o := v.run(line + " --json")
		for tries := 0; tries < 5 && line == "status" && strings.Contains(o.out, errNoAnswer.Error()); tries++ {
			o = v.run(line + " --json") // a busy machine: a vault has two seconds to answer
		}
		v.judge(&got, d, line, o)
	}
	if !got.found {
		v.judge(&got, d, "image check", v.run("image check")) // after two logins and a share taken up
	}
	return got
}

// judge holds one outcome against what it may be.
func (v *imageVictim) judge(got *verdict, d damage, line string, o outcome) {
	switch {
	case o.code == 0 && v.right(line, o.out):
		return
	case o.code == 0 && d == rollback && got.found:
		return
	case o.code == 0 && d == toUnsigned && line == "audit log" && strings.Contains(o.out, `"signed": false`):
		return // told as what it is
	case o.code == 0 && d == rollback && line == "audit log" && lessSigned(v.answers[line], o.out):
		got.found = true // the log says so: an older page has fewer heads, or the counter of an attempt, which was settled
		return
	case o.code == 0 && d == toUnsigned && line == "status" && got.found:
		return // the number of keys and the generation are the newest entry's; image check said so
	case o.code == 0 && got.found && strings.HasSuffix(line, byBob) && fewerKeys(v.answers[line], o.out):
		return // an offer or share is lost; a receiver does not know how many he should have, and image check said so
	case o.code == 7 && !strings.Contains(o.err, "goroutine "):
		got.found = true
		return
	case (o.code == 6 || o.code == 11) && strings.Contains(o.err, `the session of "alice" is over`):
		return // only a session's record may bring that about unnoticed
	case o.code == 6 && got.found && strings.Contains(o.err, " matches "):
		return // no key has this label: the index is damaged, and image check said so
	case o.code == 0 && got.found && line == "status" && strings.Contains(o.out, `"last-backup": null`):
		return // image check said whose mark is lost; the status asks for a backup, which writes it anew
	}
	got.wrong = fmt.Sprintf("%s: exit %d\n%s%s", line, o.code, o.out, o.err)
}

// right says whether an answer is the one of the undamaged image.
func (v *imageVictim) right(line, answer string) bool {
	switch line {
	case "image check":
		return true
	case signLine:
		return v.signs(answer)
	case "status":
		return answer == v.answers[line] || answer == v.over
	}
	return answer == v.answers[line]
}

// fewerKeys says whether a listing has some of the keys of another, as they
// are there.
func fewerKeys(all, some string) bool {
	type listing struct {
		Data struct {
			Keys []json.RawMessage `json:"matched_keys"`
		}
	}
	var want, got listing
	if json.Unmarshal([]byte(all), &want) != nil || json.Unmarshal([]byte(some), &got) != nil {
		return false
	}
	known := map[string]bool{}
	for _, k := range want.Data.Keys {
		known[string(k)] = true
	}
	for _, k := range got.Data.Keys {
		if !known[string(k)] {
			return false
		}
	}
	return len(got.Data.Keys) < len(want.Data.Keys)
}

// signs says whether an answer has a signature that holds.
func (v *imageVictim) signs(answer string) bool {
	var a struct{ Data struct{ Signature []byte } }
	if json.Unmarshal([]byte(answer), &a) != nil || len(a.Data.Signature) != 64 {
		return false // r and s, side by side
	}
	sum, sig := sha256.Sum256([]byte("A")), a.Data.Signature
	return ecdsa.Verify(v.signer, sum[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:]))
}

// lessSigned says whether a log has the entries of another, of which fewer are
// signed, and behind them at most attempts that were settled as interrupted.
func lessSigned(all, some string) bool {
	type log struct {
		Data struct {
			Entries []struct {
				Hash, Result string
				Signed       bool
			}
		}
	}
	var want, got log
	if json.Unmarshal([]byte(all), &want) != nil || json.Unmarshal([]byte(some), &got) != nil {
		return false
	}
	for i, e := range got.Data.Entries {
		switch {
		case i >= len(want.Data.Entries):
			if e.Signed || e.Result != "RET_USER_LOGIN_FAILURE: interrupted" {
				return false
			}
		case e.Hash != want.Data.Entries[i].Hash || e.Signed && !want.Data.Entries[i].Signed:
			return false
		}
	}
	return len(got.Data.Entries) >= len(want.Data.Entries)
}
