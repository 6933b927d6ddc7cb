package commands

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Labels are sealed and passwords are kept nowhere, so neither may be found in
// any file that the program writes: image, vault, session, state, temporary
// directory, identity. The password files themselves are left out.
func TestNothingInTheClear(t *testing.T) {
	s := newScene(t)
	s.populate()
	for _, line := range []string{
		"key generate-symmetric aes --label residue-one" + byAlice,
		"key generate-symmetric aes --label residue-many --count 20" + byAlice,
		"key generate-asymmetric-pair ec --label residue-pair" + byAlice,
		"login --username alice --password-file alice.pw",
		"key set-attribute --filter residue-one --name label --value residue-renamed",
		"key share --filter residue-renamed --username bob --role CU",
		"key list" + byBob,
		"backup create" + byAdmin,
		"key unshare --filter residue-renamed --username bob --role CU",
		"key delete --filter residue-renamed",
		"user change-password --new-password-file new.pw",
		"backup create" + byAdmin,
		"login --username alice --password-file new.pw",
		"logout",
		"zeroize --confirm prod" + byAdmin,
		"backup restore --vault usb --identity key.txt",
	} {
		s.must(line)
		s.searchClear(line)
	}
}

func (s *scene) searchClear(after string) {
	s.t.Helper()
	secrets := []string{"residue-"}
	for _, text := range scenePasswords {
		secrets = append(secrets, text)
	}
	s.ok(filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".pw") {
			return err
		}
		b, err := os.ReadFile(path)
		for _, secret := range secrets {
			if bytes.Contains(b, []byte(secret)) {
				s.t.Errorf("after %q: %q is in the clear in %s", after, secret, path)
			}
		}
		return err
	}))
}
