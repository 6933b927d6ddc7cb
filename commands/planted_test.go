package commands

import (
	"crypto/ed25519"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filehsm/hsmfile"
)

// plant lays a manifest into the vault that is newer than all others: the
// vault's own newest one, edited and, if there is a key, signed anew.
func (s *scene) plant(edit func(*hsmfile.Manifest), key ed25519.PrivateKey) *hsmfile.Manifest {
	s.t.Helper()
	all, err := filepath.Glob(s.path("usb/*.json"))
	s.ok(err)
	newest := all[len(all)-1]
	text, err := os.ReadFile(newest)
	s.ok(err)
	m, err := hsmfile.ParseManifest(text)
	s.ok(err)
	year := m.Created[:4]
	m.ID, m.Created = strings.Replace(m.ID, "-"+year, "-9998", 1), "9998"+m.Created[4:]
	edit(m)
	if key != nil {
		m.Signer.PublicKey, m.Signature = hex.EncodeToString(key.Public().(ed25519.PublicKey)), ""
		m.Signature = hex.EncodeToString(ed25519.Sign(key, append([]byte("filehsm/v1/manifest\x00"), m.Encode()...)))
	}
	age, err := os.ReadFile(strings.TrimSuffix(newest, manifestSuffix) + ageSuffix)
	s.ok(err)
	s.ok(os.WriteFile(s.path("usb/"+m.ID+manifestSuffix), m.Encode(), 0o600))
	s.ok(os.WriteFile(s.path("usb/"+m.ID+ageSuffix), age, 0o600))
	return m
}

// A manifest laid into a vault by somebody who can write it: the nightly goes
// on and names it, unless it could be by a key that an older copy of the image
// does not know; then it says both, and verify finds out.
func TestPlantedManifest(t *testing.T) {
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	noHead := func(m *hsmfile.Manifest) { m.HeadHash = strings.Repeat("ab", 32) }
	for name, tc := range map[string]struct {
		edit  func(*hsmfile.Manifest)
		key   ed25519.PrivateKey
		stops bool
		why   string
	}{
		"edited":                   {noHead, nil, false, "its manifest was altered: the signature does not verify"},
		"over a head of the image": {func(*hsmfile.Manifest) {}, key, false, "not signed by a user of this image"},
		"of another HSM":           {func(m *hsmfile.Manifest) { m.Fingerprint = strings.Repeat("ab", 32) }, key, false, "is of another HSM"},
		"by a stranger":            {noHead, key, true, "its manifest is signed with a key that this image does not know"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.populate()
			s.must("backup create" + byAdmin)
			m := s.plant(tc.edit, tc.key)
			s.nightly(m.ID, tc.stops, tc.why)
			for _, line := range []string{"backup verify", "backup verify --identity key.txt"} {
				if o := s.run(line); o.code != 7 || !strings.Contains(o.err, m.ID) {
					t.Errorf("%s: exit %d\n%s", line, o.code, o.err)
				}
			}
			s.listed(m.ID, tc.why)
		})
	}
}

func (s *scene) nightly(planted string, stops bool, why string) {
	s.t.Helper()
	o := s.run("backup create" + byAdmin)
	a := s.run("audit verify --vault usb")
	if !stops {
		if o.code != 0 || !strings.Contains(o.err, "warning: vault \"usb\": backup "+planted) || !strings.Contains(o.err, why) {
			s.t.Errorf("backup create: exit %d\n%s", o.code, o.err)
		}
		if a.code != 0 || !strings.Contains(a.err, planted) {
			s.t.Errorf("audit verify: exit %d\n%s", a.code, a.err)
		}
		return
	}
	if o.code != 7 || !strings.Contains(o.err, "either the file is an older copy of the image, or the backup was planted") ||
		!strings.Contains(o.err, "hint: filehsm backup verify --backup "+planted+" --identity FILE") {
		s.t.Errorf("backup create: exit %d\n%s", o.code, o.err)
	}
	if a.code != 7 {
		s.t.Errorf("audit verify: exit %d\n%s", a.code, a.err)
	}
	// what the hint leads to: it is not of this HSM, and goes
	v := s.run("backup verify --backup " + planted + " --identity key.txt")
	if v.code != 7 || strings.Contains(v.err, "of this HSM, but") {
		s.t.Errorf("backup verify: exit %d\n%s", v.code, v.err)
	}
	s.ok(os.Rename(s.path("usb/"+planted+manifestSuffix), s.path("away.json")))
	s.must("backup create" + byAdmin)
	s.ok(os.Rename(s.path("away.json"), s.path("usb/"+planted+manifestSuffix)))
}

func (s *scene) listed(planted, why string) {
	s.t.Helper()
	var list struct {
		Backups []struct {
			ID, Problem string
			Verified    bool
		}
	}
	s.data("backup list", &list)
	for _, b := range list.Backups {
		if b.Verified == (b.ID == planted) || (b.ID == planted && !strings.Contains(b.Problem, why)) {
			s.t.Errorf("backup list has %+v", b)
		}
	}
	if len(list.Backups) < 2 {
		s.t.Errorf("backup list has %d backups", len(list.Backups))
	}
}

// An older copy of the image meets a backup by a user whom it does not know:
// it writes nothing, and verify says that the backup is a true one.
func TestOlderCopyNewUser(t *testing.T) {
	s := newScene(t)
	s.populate()
	older := s.read("prod.hsm")
	s.must("user create --username robot --role AU --new-password-file new.pw" + byAdmin)
	s.must("backup create --as robot --password-file new.pw")
	s.ok(os.WriteFile(s.path("prod.hsm"), older, 0o600))
	if o := s.run("backup create" + byAdmin); o.code != 7 || !strings.Contains(o.err, "either the file is an older copy") {
		t.Errorf("backup create: exit %d\n%s", o.code, o.err)
	}
	if after := s.read("prod.hsm"); string(after) != string(older) {
		t.Error("it wrote")
	}
	if o := s.run("backup verify --identity key.txt"); o.code != 7 || !strings.Contains(o.err, "is whole and of this HSM, but by a user or key that this image does not know") {
		t.Errorf("backup verify: exit %d\n%s", o.code, o.err)
	}
	if o := s.run("backup verify"); o.code != 7 || !strings.Contains(o.err, "signed with a key that this image does not know") {
		t.Errorf("backup verify without an identity: exit %d\n%s", o.code, o.err)
	}
	all, _ := filepath.Glob(s.path("usb/*.age"))
	s.ok(os.WriteFile(all[0], s.read("alice.pw"), 0o600))
	if o := s.run("backup verify --identity key.txt"); o.code != 7 || strings.Contains(o.err, "is whole") {
		t.Errorf("backup verify of a damaged one: exit %d\n%s", o.code, o.err)
	}
}
