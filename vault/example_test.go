package vault_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"filehsm/vault"
	"filehsm/vault/dir"
)

// A directory becomes a vault once; from then on a put into it is read back,
// can be repeated, and never replaces a stream.
func Example() {
	ctx := context.Background()
	path, err := os.MkdirTemp("", "vault")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(path)

	disk, err := dir.Init(path, vault.NewID(), []byte("How to restore: …\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, text := range []string{"monday", "monday", "tuesday"} {
		err := disk.Put(ctx, "backup-1", strings.NewReader(text), sha256.Sum256([]byte(text)))
		fmt.Println(text, "taken:", errors.Is(err, vault.ErrExists))
	}
	show(ctx, disk)
	// Output:
	// monday taken: false
	// monday taken: false
	// tuesday taken: true
	// backup-1: monday
}

func show(ctx context.Context, v vault.Vault) {
	list, err := v.List(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range list {
		r, err := v.Open(ctx, s.Name)
		if err != nil {
			fmt.Println(err)
			continue
		}
		text, _ := io.ReadAll(r)
		r.Close()
		fmt.Printf("%s: %s\n", s.Name, text)
	}
}
