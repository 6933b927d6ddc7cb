package filestore

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filehsm/hsmfile/internal/store"

	"golang.org/x/sys/unix"
)

// A temporary file has the image's name, between a dot and rand.Text's 26
// characters. Whoever makes an image in it has it locked: one that nobody has
// locked is a killed process's, and a restore's is a whole HSM. (One that is
// taken for it in the moment before it is locked costs its maker an error, when
// he would link it: he was about to lose the race for the name.)

const temporarySuffix = ".tmp"

func temporaryPrefix(path string) string { return "." + filepath.Base(path) + "." }

// newTemporary makes one beside path, and locks it.
func newTemporary(path string) (*os.File, error) {
	name := filepath.Join(filepath.Dir(path), temporaryPrefix(path)+rand.Text()+temporarySuffix)
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EROFS) {
		return nil, fmt.Errorf("failed to create the image: %w", denied{err, store.ErrPermission})
	}
	if err != nil {
		return nil, fmt.Errorf("failed to create the image: %w", err)
	}
	_ = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB) // where there are no locks, nobody takes it for left behind
	return file, nil
}

// removeLeftBehind removes what killed processes left of making an image at
// path. It is best effort.
func removeLeftBehind(path string) {
	entries, _ := os.ReadDir(filepath.Dir(path))
	prefix := temporaryPrefix(path)
	for _, e := range entries {
		random, isOurs := strings.CutPrefix(e.Name(), prefix)
		random, isTemporary := strings.CutSuffix(random, temporarySuffix)
		name := filepath.Join(filepath.Dir(path), e.Name())
		if isOurs && isTemporary && len(random) == len(rand.Text()) && leftBehind(name) {
			_ = os.Remove(name)
		}
	}
}

func leftBehind(name string) bool {
	file, err := os.OpenFile(name, os.O_RDWR|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer file.Close()
	info, err := file.Stat()
	return err == nil && info.Mode().IsRegular() && unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil
}
