package dir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"filehsm/vault"
)

// textMode is for the id file and the text for people, which are no secret
// and may be all that is left to someone who finds the disk.
const textMode = 0o644

// placedBySystem lists what file systems, desktops and filers put into an
// empty directory by themselves; no stream can have such a name.
var placedBySystem = map[string]bool{
	"lost+found":                true,
	".snapshot":                 true,
	".DS_Store":                 true,
	".Spotlight-V100":           true,
	".Trashes":                  true,
	".fseventsd":                true,
	"System Volume Information": true,
}

// Init makes the existing directory path the vault with this id and writes
// its text for people. The directory must be empty, or be that vault already:
// then only the text is replaced, so a killed Init can be repeated. The id
// file is the commit point.
//
// vault.ErrNotMounted: there is no such directory; it is never created, for
// its absence usually means an absent disk. vault.ErrNotEmpty,
// vault.ErrOtherVault, vault.ErrName (the id), or the system's error.
func Init(path, id string, restoreText []byte) (*Vault, error) {
	v, err := initialize(path, id, restoreText)
	if err != nil {
		return nil, fmt.Errorf("failed to make %q a vault: %w", path, err)
	}
	return v, nil
}

func initialize(path, id string, restoreText []byte) (*Vault, error) {
	root, abs, err := openRoot(path)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	err = checkID(root, id)
	if errors.Is(err, vault.ErrNotMounted) {
		err = claim(root, id)
	}
	if err == nil {
		err = syncDir(root) // before there is another name: without the id it would be somebody else's directory
	}
	if err != nil {
		return nil, err
	}
	if err := replaceText(context.Background(), root, restoreText); err != nil {
		return nil, err
	}
	return &Vault{path: abs, id: id}, nil
}

// claim writes the id file into a directory that has none.
func claim(root *os.Root, id string) error {
	if err := checkEmpty(root); err != nil {
		return err
	}
	return writeID(context.Background(), root, id)
}

// checkEmpty returns vault.ErrNotEmpty, naming the first thing that is in the
// way. A killed Init's temporary file is not.
func checkEmpty(root *os.Root) error {
	d, err := root.Open(".")
	if err != nil {
		return err
	}
	defer d.Close()
	for {
		names, err := d.Readdirnames(16)
		for _, name := range names {
			if !placedBySystem[name] && !isTempName(name) {
				return fmt.Errorf("%w: it holds %q", vault.ErrNotEmpty, name)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
