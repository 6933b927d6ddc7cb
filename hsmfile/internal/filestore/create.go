package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"filehsm/hsmfile/internal/store"

	"golang.org/x/sys/unix"
)

// Create makes an image at path, mode 0600, with the records that init puts.
// The directory must exist.
//
// It (1) builds the image under a temporary name beside it, (2) syncs it, (3)
// links it to its name, which fails if the name is taken: THE COMMIT POINT, (4)
// removes the temporary name and (5) syncs the directory. Failed, it leaves
// nothing; killed before (3), a file with a temporary name, never an image in
// part. The next Create of the same path removes that.
//
// Errors: store.ErrExist if anything is at path, store.ErrPermission, init's
// own.
func Create(ctx context.Context, path string, init func(store.Writer) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("failed to create the image: %w", err)
	}
	if err := CheckPlace(path); err != nil {
		return err
	}
	removeLeftBehind(path)
	file, err := newTemporary(path)
	if err != nil {
		return err
	}
	defer file.Close()
	defer os.Remove(file.Name())
	if err := build(ctx, file, init); err != nil {
		return err
	}
	return publish(file.Name(), path)
}

// CheckPlace tells early, before the caller or init does costly work, what
// publish would find out.
func CheckPlace(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("the file %w", store.ErrExist)
	}
	directory := filepath.Dir(path)
	info, err := os.Stat(directory)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("failed to create the image: directory %q: %w", directory, unix.ENOENT)
	case err != nil:
		return fmt.Errorf("failed to create the image: %w", err)
	case !info.IsDir():
		return fmt.Errorf("failed to create the image: %q is not a directory", directory)
	}
	return nil
}

// build makes an empty file a whole image.
func build(ctx context.Context, file *os.File, init func(store.Writer) error) error {
	if err := populate(file, init); err != nil {
		return err
	}
	is, err := statusOf(file)
	if err == nil {
		err = is.check() // there are file systems that give every file the same mode
	}
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("failed to create the image: %w", err)
	}
	if err := file.Sync(); err != nil {
		return fmt.Errorf("failed to sync the image: %w", err)
	}
	return nil
}

// populate makes an empty file an image: one without records, in which init
// finds what it has put, and then the one with them.
func populate(file *os.File, init func(store.Writer) error) error {
	if err := layNew(file, nil); err != nil {
		return fmt.Errorf("failed to write the image: %w", err)
	}
	is, err := statusOf(file)
	if err != nil {
		return err
	}
	newest, _, err := readMetas(file, is.size, false)
	if err != nil {
		return err
	}
	t, err := openTree(file, newest)
	if err != nil {
		return err
	}
	defer t.end()
	w := newWriter(t)
	if err := init(w); err != nil {
		return err
	}
	if err := layNew(file, w.sorted()); err != nil {
		return fmt.Errorf("failed to write the image: %w", err)
	}
	return nil
}

// publish gives a finished file its name.
func publish(temporary, path string) error {
	err := os.Link(temporary, path)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("the file %w", store.ErrExist)
	}
	if err != nil {
		return fmt.Errorf("failed to create the image: %w", err)
	}
	if err := settle(temporary, path); err != nil {
		os.Remove(path) // nobody was told of it yet, and a failed command leaves no file
		return err
	}
	return nil
}

// settle is steps 4 and 5.
func settle(temporary, path string) error {
	if err := os.Remove(temporary); err != nil {
		return fmt.Errorf("failed to remove the temporary name: %w", err)
	}
	return syncDirectory(filepath.Dir(path))
}

func syncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("failed to sync the directory: %w", err)
	}
	defer directory.Close()
	if err := directory.Sync(); err != nil {
		return fmt.Errorf("failed to sync the directory: %w", err)
	}
	return nil
}
