package commands

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filehsm/hsmfile/hsmtest"
)

// makeImages names the directory for the golden images of a new version of the
// format: FILEHSM_MAKE_IMAGES=$PWD/testdata/image/v2 go test -run TestMakeImages ./commands
// Those of a version that was released are never made again.
const makeImages = "FILEHSM_MAKE_IMAGES"

// goldenVault is where the images say that their vault is. It exists while they
// are made, and at no other time: nothing in them is of the machine they were
// made on.
const goldenVault = "/mnt/usb/hsm"

// goldenStart is the images' first moment.
var goldenStart = time.Date(2026, 2, 3, 9, 0, 0, 0, time.UTC)

// goldenPasswords are in passwords.txt beside the images.
var goldenPasswords = map[string]string{
	"admin": "golden officer of the first day", "olga": "olga is the other officer", "robot": "nightly golden backups",
	"alice": "alice has this one now", "alice-before": "alice had this one first",
	"bob": "bob was given this by an officer", "bob-before": "bob had this one first",
	"carol": "carol in the garden", "dora": "dora will be deleted",
	"wrong": "nobody ever had this one",
}

// A maker makes golden images.
type maker struct {
	*scene
	to      string
	answers goldenAnswers
}

// TestMakeImages makes golden images, where it is asked to.
func TestMakeImages(t *testing.T) {
	to := os.Getenv(makeImages)
	if to == "" {
		return
	}
	m := newMaker(t, to)
	m.uninitialized()
	m.active()
	m.zeroized()
	m.scrubPending()
	m.restored()
	m.strict()
	m.cloudhsm()
	m.damaged()
	m.finish()
}

func newMaker(t *testing.T, to string) *maker {
	m := &maker{scene: newScene(t), to: to, answers: goldenAnswers{}}
	m.ok(os.Mkdir(to, 0o755)) // never over others
	m.ok(os.Mkdir(filepath.Dir(goldenVault), 0o755))
	t.Cleanup(func() { os.RemoveAll(filepath.Dir(goldenVault)) })
	m.ok(os.Mkdir(goldenVault, 0o700))
	behind := time.Since(goldenStart)
	hsmtest.SetClock(func() time.Time { return time.Now().Add(-behind) })
	m.env["STORY_CLOCK"] = (-behind).String()
	m.passwords(goldenPasswords)
	m.put0600("order.txt", []byte("pay 12.50 to the bakery\n"))
	return m
}

// lines runs several; one with a ! in front has to fail.
func (m *maker) lines(all ...string) {
	m.t.Helper()
	for _, line := range all {
		tried, fails := strings.CutPrefix(line, "!")
		if o := m.run(tried); (o.code != 0) != fails {
			m.t.Fatalf("%s: exit %d\n%s%s", line, o.code, o.out, o.err)
		}
	}
}

func (m *maker) copy(from, to string) {
	m.t.Helper()
	m.put0600(to, m.read(from))
	m.use(to)
}

func (m *maker) uninitialized() {
	m.use("uninitialized.hsm")
	m.lines("create --label fresh")
	m.ask("uninitialized.hsm", "made and never activated", "login --username admin --password-file admin.pw")
}

// active is the image with everything in it, in the middle of its life.
func (m *maker) active() {
	m.use("active.hsm")
	m.lines("create --label golden --username admin --new-password-file admin.pw",
		"user create --username alice --role CU --new-password-file alice-before.pw"+byAdmin,
		"user create --username bob --role CU --new-password-file bob-before.pw"+byAdmin,
		"user create --username carol --role CU --new-password-file carol.pw"+byAdmin,
		"user create --username robot --role AU --new-password-file robot.pw"+byAdmin,
		"vault keygen --identity key.txt")
	m.lines("vault add stick " + goldenVault + " --recipient " + m.recipient() + byAdmin)
	m.keys()
	m.sharing()
	m.lines("user change-password --new-password-file alice.pw --as alice --password-file alice-before.pw",
		"key generate-symmetric aes --label after"+byAlice)
	m.lines("key set-attribute --filter key-reference="+m.reference("kek", byAlice)+" --name trusted --value true"+byAdmin,
		"user change-password --username bob --role CU --new-password-file bob.pw"+byAdmin,
		"backup create --as robot --password-file robot.pw",
		"policy set --audit-level all"+byAdmin,
		"crypto sign ecdsa --key-filter tls --data-path order.txt --path "+m.path("audited.sig")+byAlice,
		"key generate-symmetric aes --label later"+byAlice,
		"backup create"+byAdmin,
		"login --username alice --password-file alice.pw", // whose session stays in the image
		"!login --username alice --password-file wrong.pw",
		"!login --username carol --password-file wrong.pw", "!login --username carol --password-file wrong.pw", "!login --username carol --password-file wrong.pw")
	m.ok(os.RemoveAll(m.path("run")))
	m.ok(os.Mkdir(m.path("run"), 0o700))
	m.ask("active.hsm", "users of every role, keys of every sort, shares, a trusted key, two backups, alice's password changed and bob's reset, carol locked, a session of alice's, audit level all", "audit log")
	m.askUser("active.hsm", "alice", "key list --verbose")
	m.askUser("active.hsm", "alice-before")
	m.askUser("active.hsm", "bob", "key list --verbose")
	m.askUser("active.hsm", "carol")
	m.askUser("active.hsm", "admin", "whoami")
	m.askUser("active.hsm", "robot", "whoami")
}

// keys makes alice's first generation of keys, and what is done with them.
func (m *maker) keys() {
	m.lines("login --username alice --password-file alice-before.pw",
		"key generate-symmetric aes --label kek --usage wrap",
		"key generate-symmetric aes --label data",
		"key generate-symmetric generic-secret --label hmac --key-length-bytes 37",
		"key generate-asymmetric-pair ec --label tls --usage sign",
		"key generate-asymmetric-pair ec --label big --curve secp521r1 --usage sign",
		"key generate-asymmetric-pair rsa --label code --usage sign --modulus-size-bits 2048",
		"key generate-symmetric aes --label gone", "key delete --filter gone",
		"key generate-symmetric aes --label old-name",
		"key set-attribute --filter old-name --name label --value renamed",
		"key set-attribute --filter renamed --name id --value 0x0a0b",
		"key generate-symmetric aes --label guarded --key-length-bytes 16",
		"key set-attribute --filter guarded --name wrap-with-trusted --value true",
		"crypto sign ecdsa --key-filter tls --data-path order.txt --path "+m.path("tls.sig"),
		"crypto sign ecdsa --key-filter big --data-path order.txt --path "+m.path("big.sig"),
		"crypto sign rsa-pkcs --key-filter code --data-path order.txt --path "+m.path("code.sig"))
	for _, label := range goldenPairs {
		m.lines("key generate-file --encoding pem --filter " + label + " --path " + m.path(label+".pem"))
	}
	for _, label := range goldenWrapped {
		m.lines("key wrap aes-zero-pad --wrapping-filter kek --payload-filter " + "attr.label=" + label + " --path " + m.path(label+".wrapped"))
	}
	m.lines("key unwrap aes-zero-pad --filter kek --data-path " + m.path("data.wrapped") + " --key-type-class aes --label data-again")
}

// sharing leaves bob a key that he took up, one that he did not, and one that
// was taken from him again.
func (m *maker) sharing() {
	m.lines("key share --filter tls --username bob", "key share --filter big --username bob",
		"key list --as bob --password-file bob-before.pw", "key generate-symmetric aes --label bobs --as bob --password-file bob-before.pw",
		"key unshare --filter big --username bob", "key share --filter code --username bob", "logout")
}

func (m *maker) recipient() string {
	words := strings.Fields(string(m.read("key.txt")))
	return words[slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "age1") })]
}

func (m *maker) reference(label, who string) string {
	m.t.Helper()
	var list struct {
		Keys []struct {
			Reference string `json:"key-reference"`
		} `json:"matched_keys"`
	}
	m.data("key list --filter "+label+who, &list)
	return list.Keys[0].Reference
}

func (m *maker) zeroized() {
	wrong := "!login --username admin --password-file wrong.pw"
	m.copy("active.hsm", "zeroized.hsm")
	m.lines(wrong, wrong, wrong+" --last-attempt")
	m.ask("zeroized.hsm", "active.hsm after three wrong passwords of an officer's", "login --username alice --password-file alice.pw")
	m.copy("active.hsm", "zeroized-by-command.hsm")
	m.lines("zeroize --confirm golden" + byAdmin)
	m.ask("zeroized-by-command.hsm", "active.hsm after an officer's zeroize", "login --username alice --password-file alice.pw")
}

// scrubPending is a zeroize that was killed when the set was switched and not
// yet deleted.
func (m *maker) scrubPending() {
	name, key := "scrub-pending.hsm", ""
	all := m.killed("active.hsm", name, "zeroize --confirm golden"+byAdmin, func(all map[string][]byte) bool {
		key = oneOf(all, secretSet+"k")
		return all["vmscrub"] != nil && all["vmset"] != nil && key != ""
	})
	g := m.ask(name, "active.hsm in the middle of a zeroize that was killed: zeroized, and all records still in the file; whoever opens it deletes them first")
	g.Finished, g.Residue = true, fmt.Sprintf("%x", all[key][:64])
}

// killed kills a command at one write after the other, until one leaves the
// records as they are wanted.
func (m *maker) killed(from, to, line string, wanted func(all map[string][]byte) bool) map[string][]byte {
	m.t.Helper()
	for n := 1; ; n++ {
		m.copy(from, to)
		o := m.process(line, "strace", "-f", "-qq", "-o", m.path("strace"),
			"-e", "trace=pwrite64", "-e", fmt.Sprintf("inject=pwrite64:signal=SIGKILL:when=%d", n))
		if !o.killed {
			m.t.Fatalf("%s: no write leaves what is wanted: exit %d\n%s", line, o.code, o.err)
		}
		m.copy(to, "look.hsm") // bbolt writes, also when it is only to look
		m.use(to)
		if all := rawRecords(m.t, m.path("look.hsm")); wanted(all) {
			return all
		}
	}
}

func (m *maker) restored() {
	m.copy("zeroized.hsm", "restored.hsm")
	m.lines("backup restore --vault stick --identity key.txt --backup " + m.backups()[0])
	m.ask("restored.hsm", "zeroized.hsm after a restore of the older of two backups", "audit log")
	m.askUser("restored.hsm", "alice", "key list --verbose")
	m.askUser("restored.hsm", "bob", "key list --verbose")
	m.askUser("restored.hsm", "carol", "key list")
}

// backups are the ids of those in the vault, the oldest first.
func (m *maker) backups() (ids []string) {
	m.t.Helper()
	all, err := filepath.Glob(goldenVault + "/*.age")
	m.ok(err)
	for _, path := range all {
		ids = append(ids, strings.TrimSuffix(filepath.Base(path), ".age"))
	}
	slices.SortFunc(ids, func(a, b string) int { return strings.Compare(a[len(a)-19:], b[len(b)-19:]) })
	return ids
}

func (m *maker) strict() {
	m.use("strict.hsm")
	m.lines("create --label strict --lockout strict --reset drops-keys --username admin --new-password-file admin.pw",
		"user create --username alice --role CU --new-password-file alice-before.pw"+byAdmin,
		"key generate-symmetric aes --label dropped --as alice --password-file alice-before.pw",
		"user change-password --username alice --role CU --new-password-file alice.pw --confirm alice"+byAdmin,
		"key generate-asymmetric-pair ec --label tls --curve secp384r1 --usage sign"+byAlice)
	m.ask("strict.hsm", "lockout strict, reset rule drops-keys, alice's password reset and so her keys gone, and a new one")
	m.askUser("strict.hsm", "alice", "key list --verbose")
}

// cloudhsm is small: the damaged ones are made of it.
func (m *maker) cloudhsm() {
	wrong := "!login --username olga --password-file wrong.pw"
	m.use("cloudhsm.hsm")
	m.lines("create --label small --lockout cloudhsm --username admin --new-password-file admin.pw",
		"user create --username olga --role CO --new-password-file olga.pw"+byAdmin,
		"user create --username alice --role CU --new-password-file alice.pw"+byAdmin,
		"user create --username dora --role CU --new-password-file dora.pw"+byAdmin,
		"key generate-symmetric aes --label lost --as dora --password-file dora.pw")
	m.halfDone()
	m.use("cloudhsm.hsm")
	m.lines("user delete --username dora --confirm dora"+byAdmin,
		wrong, wrong, wrong, wrong, wrong,
		"key generate-symmetric aes --label a"+byAlice)
	m.put0600("before.hsm", m.read("cloudhsm.hsm"))
	m.lines("key set-attribute --filter a --name label --value c"+byAlice,
		"key generate-symmetric aes --label b"+byAlice) // in the newest commit
	m.ask("cloudhsm.hsm", "lockout cloudhsm, two officers of whom one is locked, a deleted user; the damaged ones are made of it")
	m.askUser("cloudhsm.hsm", "olga")
	m.askUser("cloudhsm.hsm", "alice", "key list --verbose")
}

// halfDone are what killed processes leave for the next one to finish; it
// enters that, at a time of its own.
func (m *maker) halfDone() {
	m.killed("cloudhsm.hsm", "login-interrupted.hsm", "key list"+byAlice, func(all map[string][]byte) bool {
		for key, b := range all {
			if strings.HasPrefix(key, "vc") && b[12] == 0xf5 { // "open", the fourth field
				return true
			}
		}
		return false
	})
	m.askOnly("login-interrupted.hsm", "cloudhsm.hsm before dora's end, and a login of alice's that was killed between counting and comparing: it counts", "status", "user list", "image check").Finished = true
	key := ""
	all := m.killed("cloudhsm.hsm", "delete-pending.hsm", "user delete --username dora --confirm dora"+byAdmin, func(all map[string][]byte) bool {
		dora := strings.TrimPrefix(oneOf(all, "vmdelete"), "vmdelete")
		key = oneOf(all, secretSet+"k"+dora)
		return dora != "" && key != ""
	})
	g := m.askOnly("delete-pending.hsm", "cloudhsm.hsm when dora was out of the roster and her key still there", "status", "user list", "image check")
	g.Finished, g.Residue = true, fmt.Sprintf("%x", all[key][:64])
}

// finish copies all to where it is wanted.
func (m *maker) finish() {
	for name := range m.answers {
		m.put(name, m.read(name))
	}
	for _, label := range goldenPairs {
		m.put(label+".pem", m.read(label+".pem"))
		m.put(label+".sig", m.read(label+".sig"))
	}
	for _, label := range goldenWrapped {
		m.put(label+".wrapped", m.read(label+".wrapped"))
	}
	m.put("backup.txt", []byte(readBackup(m.t, m.path("key.txt"), filepath.Join(goldenVault, m.backups()[0]))))
	m.put("order.txt", m.read("order.txt"))
	m.put("key.txt", m.read("key.txt"))
	text, err := json.MarshalIndent(m.answers, "", " ")
	m.ok(err)
	m.put("answers.json", append(text, '\n'))
	var lines []string
	for name, password := range goldenPasswords {
		lines = append(lines, fmt.Sprintf("%-13s%s\n", name, password))
	}
	slices.Sort(lines)
	m.put("passwords.txt", []byte(strings.Join(lines, "")))
	m.ok(copyTree(goldenVault, filepath.Join(m.to, "vault")))
	m.ok(os.Chmod(filepath.Join(m.to, "vault"), 0o755))
}

func (m *maker) put(name string, b []byte) {
	m.t.Helper()
	m.ok(os.WriteFile(filepath.Join(m.to, name), b, 0o644))
}

// goldenPairs are the labels of alice's key pairs; each signed order.txt.
var goldenPairs = []string{"tls", "big", "code"}

// goldenWrapped are the labels of her keys that kek wrapped.
var goldenWrapped = []string{"data", "hmac", "tls", "big", "code"}

// ask makes the answers of an image: what it says without a login, to the
// lines that every image is asked, and to more.
func (m *maker) ask(name, about string, more ...string) *goldenImage {
	m.t.Helper()
	return m.askOnly(name, about, append([]string{"status", "user list", "policy show", "image check", "audit verify --all", "audit log --last 2"}, more...)...)
}

// askOnly is ask without the lines that every image is asked.
func (m *maker) askOnly(name, about string, lines ...string) *goldenImage {
	m.t.Helper()
	g := &goldenImage{About: about}
	m.answers[name] = g
	m.aside(name, func() {
		for _, line := range lines {
			a, _ := m.answer(line)
			g.Reads = append(g.Reads, a)
		}
	})
	return g
}

// askUser adds what a user is answered.
func (m *maker) askUser(name, password string, more ...string) {
	m.t.Helper()
	user, _, _ := strings.Cut(password, "-")
	u := goldenUser{Password: password}
	m.aside(name, func() {
		for _, line := range append([]string{"login --username " + user + " --password-file " + password + ".pw"}, more...) {
			a, _ := m.answer(line)
			u.Lines = append(u.Lines, a)
		}
	})
	m.answers[name].Users = append(m.answers[name].Users, u)
}

// aside runs fn with a copy of the image, and with sessions of its own.
func (m *maker) aside(name string, fn func()) {
	m.t.Helper()
	image, run := m.env["FILEHSM_IMAGE"], m.env["XDG_RUNTIME_DIR"]
	m.copy(name, "aside.hsm")
	m.env["XDG_RUNTIME_DIR"] = m.path("aside")
	m.ok(os.MkdirAll(m.path("aside"), 0o700))
	fn()
	m.env["FILEHSM_IMAGE"], m.env["XDG_RUNTIME_DIR"] = image, run
	m.ok(os.RemoveAll(m.path("aside")))
	m.ok(os.Remove(m.path("aside.hsm")))
}
