package hsmfile

import (
	"context"
	"errors"

	"filehsm/hsmfile/internal/filestore"
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
	im, err := Create(ctx, path, spec, o)
	if err != nil {
		return nil, err
	}
	s, err := im.Activate(ctx, name, password)
	if err != nil {
		return nil, errors.Join(err, filestore.Remove(path))
	}
	return s, nil
}
