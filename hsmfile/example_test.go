package hsmfile_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"filehsm/hsmfile"
	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/secret"
)

// An image is made, its first officer makes a user, and the user makes a key
// and signs with it.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example")
	check(err)
	defer os.RemoveAll(dir)

	im, err := hsmfile.Create(ctx, filepath.Join(dir, "prod.hsm"), hsmfile.CreateSpec{Label: "prod"}, hsmfile.Options{})
	check(err)
	officer, err := im.Activate(ctx, "admin", secret.New([]byte("blue horses count slowly")))
	check(err)
	defer officer.Close()
	check(officer.CreateUser(ctx, "alice", hsmfile.CU, secret.New([]byte("seven kettles sing"))))

	alice, err := im.Login(ctx, hsmfile.Credentials{Username: "alice", Password: secret.New([]byte("seven kettles sing"))})
	check(err)
	defer alice.Close()
	_, private, err := alice.GeneratePair(ctx, hsmfile.PairSpec{Type: attr.EC, Curve: "secp256r1",
		PublicLabel: "tls", PrivateLabel: "tls", Usage: []string{"sign"}})
	check(err)
	tls, err := attr.ParseFilter([]string{"tls"})
	check(err)
	_, signature, err := alice.Sign(ctx, hsmfile.SignSpec{Mechanism: "ecdsa", Filter: tls, Data: strings.NewReader("a message")})
	check(err)
	fmt.Println(private.Attributes.Describe(), "gave", len(signature), "bytes; it", private.Attributes.Can())

	report, err := im.Check(ctx)
	check(err)
	fmt.Println(len(report.Findings), "findings")
	// Output:
	// an EC private key gave 64 bytes; it can: sign
	// 0 findings
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
