package hsmfile

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"filippo.io/age"
)

const fingerprintComment = "# filehsm fingerprint: "

// GenerateIdentity writes an age identity file: the secret half of a backup's
// encryption, to be kept outside the HSM and outside the vaults. fingerprint
// (hex, may be empty) goes in as a comment, so that a restore on a machine
// that never saw the image knows what to trust.
func GenerateIdentity(w io.Writer, pq bool, fingerprint string) (recipient string, err error) {
	var secretText string
	if pq {
		id, err := age.GenerateHybridIdentity()
		if err != nil {
			return "", &Error{Text: "failed to generate an identity", Err: err}
		}
		recipient, secretText = id.Recipient().String(), id.String()
	} else {
		id, err := age.GenerateX25519Identity()
		if err != nil {
			return "", &Error{Text: "failed to generate an identity", Err: err}
		}
		recipient, secretText = id.Recipient().String(), id.String()
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "# created: %s\n", now().UTC().Format(time.RFC3339))
	if fingerprint != "" {
		fmt.Fprintf(&b, "%s%s\n", fingerprintComment, fingerprint)
	}
	fmt.Fprintf(&b, "# public key: %s\n%s\n", recipient, secretText)
	_, err = w.Write(b.Bytes())
	return recipient, err
}

// FingerprintIn is the fingerprint in an identity file's comment, or "".
func FingerprintIn(identityFile []byte) string {
	for line := range strings.Lines(string(identityFile)) {
		if f, ok := strings.CutPrefix(strings.TrimSpace(line), strings.TrimSpace(fingerprintComment)); ok {
			return strings.TrimSpace(f)
		}
	}
	return ""
}

// CheckIdentity says whether a file's text holds an age identity. ErrNotFound.
func CheckIdentity(text []byte) error {
	_, err := parseIdentity(text)
	return err
}

func parseIdentity(text []byte) ([]age.Identity, error) {
	all, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil { // which may quote the line
		return nil, refuse(ErrNotFound, "it has a line that begins with AGE-SECRET-KEY; filehsm vault keygen makes one", "it holds no age identity")
	}
	return all, nil
}
