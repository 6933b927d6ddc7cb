package hsmfile

import (
	"context"

	"filehsm/hsmfile/internal/filestore"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/store"
	"filehsm/hsmfile/secret"
)

// CanCreate says early what Create would refuse: before anybody is asked for
// a password.
func CanCreate(path string, spec CreateSpec) error {
	if _, err := spec.header(); err != nil {
		return err
	}
	return storeError(path, filestore.CheckPlace(path))
}

// CreateActive makes an image and its first CO. Failed, it leaves no file.
func CreateActive(ctx context.Context, path string, spec CreateSpec, name string, password *secret.Bytes, o Options) (*Session, error) {
	h, err := spec.header()
	if err != nil {
		return nil, err
	}
	n, err := prepareUser(name, CO, password)
	if err != nil {
		return nil, err
	}
	defer n.lock.kek.Wipe()
	var s *Session
	_, err = makeFile(ctx, path, o, h, func(c *change) error {
		if err := c.initialize(); err != nil {
			return err
		}
		s, err = c.activate(n)
		return err
	})
	if err != nil {
		n.keys.Wipe()
		return nil, err
	}
	return s, nil
}

// makeFile makes a file that is an image as fill leaves it, in one transaction:
// at no time is there one that is not, which somebody else could take up.
func makeFile(ctx context.Context, path string, o Options, h *record.Header, fill func(*change) error) (*Image, error) {
	im := newImage(path, filestore.At(path, o.store()), o)
	err := filestore.Create(ctx, path, func(w store.Writer) error {
		c := &change{view: view{im: im, r: w, h: h}, w: w}
		if err := fill(c); err != nil {
			return err
		}
		im.info.Store(c.info())
		err := c.flushMarks()
		im.marked.Store(c.marked)
		return err
	})
	if err != nil {
		return nil, storeError(path, err)
	}
	im.finishIfMarked(ctx)
	return im, nil
}
