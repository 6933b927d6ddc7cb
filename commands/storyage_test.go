package commands

import (
	"bytes"
	"io"
	"os"
	"strings"

	"filippo.io/age"
	"github.com/rogpeppe/go-internal/testscript"
)

// cmdReage encrypts an age file anew: who has the identity can give a backup
// another envelope, and must not get it past its manifest. With a second
// identity the new envelope is that one's.
func cmdReage(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, args, 2, 3, "reage FILE IDENTITY [OTHER-IDENTITY]")
	from := storyIdentity(ts, args[1])
	to := storyIdentity(ts, args[len(args)-1])
	plain, err := age.Decrypt(strings.NewReader(ts.ReadFile(args[0])), from)
	ts.Check(err)
	content, err := io.ReadAll(plain)
	ts.Check(err)
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to.Recipient())
	ts.Check(err)
	_, err = w.Write(content)
	ts.Check(err)
	ts.Check(w.Close())
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), out.Bytes(), 0o600))
}

func storyIdentity(ts *testscript.TestScript, file string) *age.X25519Identity {
	all, err := age.ParseIdentities(strings.NewReader(ts.ReadFile(file)))
	ts.Check(err)
	id, ok := all[0].(*age.X25519Identity)
	if !ok {
		ts.Fatalf("%s holds no X25519 identity", file)
	}
	return id
}
