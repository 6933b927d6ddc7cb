package dir

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"filehsm/vault"
)

// List implements vault.Vault. What no Put can have made (the id file, the
// text for people, names with a dot in front, directories, links) is passed
// over.
func (v *Vault) List(ctx context.Context) ([]vault.Stream, error) {
	all, err := v.list(ctx)
	if err != nil {
		return nil, fmt.Errorf("failed to list vault %q: %w", v.path, err)
	}
	return all, nil
}

func (v *Vault) list(ctx context.Context) ([]vault.Stream, error) {
	root, err := v.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	d, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	defer d.Close()
	var all []vault.Stream
	for {
		names, err := d.Readdirnames(256) // small enough to look at ctx now and then
		if errors.Is(err, io.EOF) {
			break
		}
		if err = cmp.Or(err, ctx.Err()); err != nil {
			return nil, err
		}
		if all, err = appendStreams(all, root, names); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b vault.Stream) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// appendStreams appends those of the names that are streams and still there.
func appendStreams(all []vault.Stream, root *os.Root, names []string) ([]vault.Stream, error) {
	for _, name := range names {
		if vault.CheckName(name) != nil {
			continue
		}
		info, err := root.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		if info.Mode().IsRegular() {
			all = append(all, vault.Stream{Name: name, Size: info.Size(), ModTime: info.ModTime()})
		}
	}
	return all, nil
}
