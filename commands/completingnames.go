package commands

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"

	"filehsm/hsmfile"
)

// namePatience is how long a person who pressed TAB waits for names at most:
// the image may be busy, or lie on a network drive that is gone.
const namePatience = 400 * time.Millisecond

func userNames(q *question) []string {
	return q.names(func(ctx context.Context, im *hsmfile.Image) (all []string, err error) {
		users, err := im.Users(ctx)
		for _, u := range users {
			all = append(all, u.Username)
		}
		return all, err
	})
}

func vaultNames(q *question) []string {
	return q.names(func(ctx context.Context, im *hsmfile.Image) (all []string, err error) {
		vaults, err := im.Vaults(ctx)
		for _, x := range vaults {
			all = append(all, x.Name)
		}
		return all, err
	})
}

// names asks the image in force. What does not come in time, or not at all, is
// not offered. The look runs aside: no system call on a dead mount can be
// called back.
func (q *question) names(of func(context.Context, *hsmfile.Image) ([]string, error)) []string {
	done := make(chan []string, 1)
	go func() {
		all, _ := q.lookAt(q.image(), of)
		done <- all
	}()
	select {
	case all := <-done:
		return all
	case <-time.After(namePatience):
		return nil
	}
}

// lookAt opens the image and changes nothing in it. Open would finish what a
// killed process left, up to wiping the image after its last attempt: that is
// for a command that somebody typed, not for a key that he pressed. So the
// image is held as readers hold it while we look; nobody writes then, Open
// least of all, and there are no names.
func (q *question) lookAt(path string, of func(context.Context, *hsmfile.Image) ([]string, error)) ([]string, error) {
	held, err := holdForReading(path)
	if err != nil {
		return nil, err
	}
	defer held.Close()
	im, err := hsmfile.Open(q.ctx, path, hsmfile.Options{LockTimeout: namePatience / 2})
	if err != nil {
		return nil, err
	}
	all, err := of(q.ctx, im)
	return harmless(all), err
}

// holdForReading takes the shared lock of a View, which a writer respects.
func holdForReading(path string) (*os.File, error) {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, errors.New("not a file")) // opening a pipe or a device would do something
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// harmless drops what is no right name. The shell types an answer as it is: a
// forged image with a user named "$(...)" must not get to run that.
func harmless(names []string) (all []string) {
	for _, name := range names {
		if _, err := hsmfile.ValidateUsername(name); err == nil {
			all = append(all, name)
		}
	}
	return all
}

// image is the path of the image in force, in the order of settings.go; a
// configuration that cannot be read names none.
func (q *question) image() string {
	for _, path := range []string{q.given("image"), q.world.getenv("FILEHSM_IMAGE")} {
		if path != "" {
			return path
		}
	}
	file, err := q.world.readConfig(q.given("config"))
	if err != nil {
		return ""
	}
	if path, ok := file.values["image"]; ok {
		return path
	}
	return q.world.defaultImage()
}

// given is a flag's path on the line, which no shell has expanded yet.
func (q *question) given(name string) string {
	for _, g := range q.line.flags {
		if g.name == name {
			return q.world.expandHome(g.value)
		}
	}
	return ""
}
