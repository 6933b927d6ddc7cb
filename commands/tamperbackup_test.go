package commands

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A backupVictim is one of the two files of a backup in a vault.
type backupVictim struct {
	*scene

	suffix, path, id string
	content, image   []byte
}

func (s *scene) backupFile(suffix string) string {
	all, err := filepath.Glob(s.path("usb/*" + suffix))
	if err != nil || len(all) != 1 {
		panic(fmt.Sprintf("%d files of a backup, %v", len(all), err))
	}
	return all[0]
}

func tamperManifest(t *testing.T) { tamperBackupFile(t, "manifest", manifestSuffix, 80) }
func tamperBackup(t *testing.T)   { tamperBackupFile(t, "backup", ageSuffix, 120) }

// tamperBackupFile: nothing in a manifest or an age file is harmless.
func tamperBackupFile(t *testing.T, name, suffix string, sample int) {
	s := tamperScene(t)
	content, err := os.ReadFile(s.backupFile(suffix))
	s.ok(err)
	for _, at := range s.tamper(name, newFlipRun(len(content), sample), 1) {
		t.Errorf("byte %#x: nothing was found", at)
	}
}

func (v *backupVictim) prepare(s *scene) {
	v.scene, v.path = s, s.backupFile(v.suffix)
	v.id = strings.TrimSuffix(filepath.Base(v.path), v.suffix)
	var err error
	v.content, err = os.ReadFile(v.path)
	must0(err)
	v.image, err = os.ReadFile(s.path("prod.hsm"))
	must0(err)
	v.reset(v.content)
	for _, line := range backupUsers {
		if o := v.run(line); o.code != 0 {
			panic(fmt.Sprintf("%s of the undamaged backup: exit %d\n%s", line, o.code, o.err))
		}
	}
}

// backupUsers are the commands that use a backup: beside its image and where
// there is none, with the age identity and without.
var backupUsers = []string{
	"backup verify", "backup verify --vault usb --identity key.txt",
	"backup verify --from usb --identity key.txt --image new.hsm", "backup restore --from usb --identity key.txt --image new.hsm",
}

// reset is the scene with this in the place of the file, and nothing made.
func (v *backupVictim) reset(content []byte) {
	must0(os.WriteFile(v.env["FILEHSM_IMAGE"], v.image, 0o600))
	made, err := filepath.Glob(filepath.Join(filepath.Dir(v.path), "*-*-*"))
	must0(err)
	for _, path := range append(made, v.scene.path("new.hsm")) {
		if !strings.Contains(path, v.id) {
			must0(os.RemoveAll(path))
		}
	}
	must0(os.WriteFile(v.path, content, 0o600))
}

func (v *backupVictim) flip(at int) (got verdict) {
	v.reset(bitFlipped(v.content, at))
	got.found = true
	for _, line := range backupUsers {
		o := v.run(line)
		if !refusesBackup(o) && got.wrong == "" {
			got.wrong = fmt.Sprintf("%s: exit %d\n%s%s", line, o.code, o.out, o.err)
		}
	}
	if _, err := os.Stat(v.scene.path("new.hsm")); err == nil {
		got.wrong = "a restore that was refused left an image"
	}
	if v.suffix == manifestSuffix && got.wrong == "" {
		v.goesOn(&got)
	}
	v.reset(v.content)
	return got
}

// refusesBackup: damaged, or by a version that flips may make of ours.
func refusesBackup(o outcome) bool {
	return !strings.Contains(o.err, "goroutine ") &&
		(o.code == 7 || o.code == 5 && strings.Contains(o.err, "newer version of filehsm"))
}

// goesOn: a damaged manifest in the vault is named, and stops no new backup,
// unless a newer version may have written it.
func (v *backupVictim) goesOn(got *verdict) {
	list := v.run("backup list --json")
	if list.code != 0 || strings.Contains(list.out, `"verified": true`) || strings.Contains(list.out, `"verified":true`) {
		got.wrong = fmt.Sprintf("backup list: exit %d\n%s%s", list.code, list.out, list.err)
	}
	o := v.run("backup create" + byAdmin)
	if o.code == 0 && strings.Contains(o.err, "warning: vault \"usb\": backup "+v.id) || o.code == 5 && refusesBackup(o) {
		return
	}
	got.wrong = fmt.Sprintf("backup create: exit %d\n%s%s", o.code, o.out, o.err)
}
