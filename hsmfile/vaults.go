package hsmfile

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"filehsm/hsmfile/internal/chain"
	"filehsm/hsmfile/internal/record"
)

// maxVaults and maxRecipients bound what a roster may grow by.
const (
	maxVaults     = 16
	maxRecipients = 16
)

// Vaults lists the image's vaults. Needs no login, and works in every state
// but uninitialized: a zeroized image knows where its backups are.
func (im *Image) Vaults(ctx context.Context) (all []VaultInfo, err error) {
	err = im.view(ctx, func(v *view) error {
		all, err = v.vaults()
		return err
	})
	return all, err
}

func (v *view) vaults() (all []VaultInfo, err error) {
	if State(v.h.State) == Uninitialized {
		return nil, nil
	}
	r, err := v.publicRoster()
	if err != nil {
		return nil, err
	}
	for _, x := range r.Vaults {
		info := VaultInfo{Name: x.Name, Location: x.Location, ID: x.ID, Recipients: x.Recipients}
		if info.LastBackup, err = v.backupMark(x.ID); err != nil {
			return nil, err
		}
		all = append(all, info)
	}
	return all, nil
}

// backupMark is the newest backup that this image knows a vault to have.
func (v *view) backupMark(vault string) (*BackupMark, error) {
	b, err := v.r.Get(record.BackupMarkKey(vault))
	if err != nil || b == nil {
		return nil, err
	}
	var m record.BackupMark
	err = record.Decode(b, &m)
	created := time.UnixMilli(m.Created).UTC()
	if err == nil && m.ID != backupID(v.h.Serial, m.Generation, created) {
		err = record.ErrMalformed // an id says the rest once more, which is as good as a checksum
	}
	if err != nil {
		return nil, v.im.damaged("mark of the last backup", err)
	}
	return &BackupMark{ID: m.ID, Created: created, Generation: m.Generation}, nil
}

// AddVault enters a vault in the roster. CO only: nobody else says where the
// backups go and who can open them.
func (s *Session) AddVault(ctx context.Context, info VaultInfo) error {
	if err := info.check(); err != nil {
		return err
	}
	return s.changeVaults(ctx, chain.AddVault, info.Name, func(r *record.Roster) error {
		if err := s.roomFor(r, info); err != nil {
			return err
		}
		r.Vaults = append(r.Vaults, record.Vault{Name: info.Name, Location: info.Location, ID: info.ID, Recipients: info.Recipients})
		return nil
	})
}

// MayAddVault says whether AddVault would take the vault, so that nothing is
// written into a directory for one that it refuses.
func (s *Session) MayAddVault(ctx context.Context, info VaultInfo) error {
	if err := info.check(); err != nil {
		return err
	}
	return s.read(ctx, opVault, func(v *view) error { return s.roomFor(s.roster.Roster, info) })
}

func (s *Session) roomFor(r *record.Roster, info VaultInfo) error {
	if r.VaultByName(info.Name) != nil {
		return refuse(ErrUsage, "choose another name, or filehsm vault remove "+info.Name, "%s: vault %q exists already", s.im.path, info.Name)
	}
	if len(r.Vaults) >= maxVaults {
		return refuse(ErrDenied, "filehsm vault remove NAME", "%s: an image has at most %d vaults", s.im.path, maxVaults)
	}
	for _, x := range r.Vaults {
		if x.ID == info.ID {
			return refuse(ErrUsage, "filehsm vault list shows it; filehsm vault remove "+x.Name+" takes it out", "%s: %s is vault %q already", s.im.path, info.Location, x.Name)
		}
	}
	return nil
}

// RemoveVault takes a vault out of the roster; what lies in it stays. CO only.
func (s *Session) RemoveVault(ctx context.Context, name string) error {
	return s.changeVaults(ctx, chain.RemoveVault, name, func(r *record.Roster) error {
		i := slices.IndexFunc(r.Vaults, func(x record.Vault) bool { return x.Name == name })
		if i < 0 {
			return refuse(ErrNotFound, "filehsm vault list shows the vaults", "%s: no vault %q", s.im.path, name)
		}
		r.Vaults = slices.Delete(r.Vaults, i, i+1)
		return nil
	})
}

func (s *Session) changeVaults(ctx context.Context, op chain.Opcode, name string, edit func(*record.Roster) error) error {
	return s.write(ctx, opVault, func(c *change) error {
		var refused error
		r, err := c.putRoster(s.roster, s.signer(), func(r *record.Roster) { refused = edit(r) })
		if refused != nil {
			return refused
		}
		if err := s.pin(c, r, err); err != nil {
			return err
		}
		e := s.entryAs(c, op)
		e.Subject = name
		if err := c.record(e); err != nil {
			return err
		}
		return c.signHead(s.author())
	})
}

// check bounds what is written into the roster.
func (info VaultInfo) check() error {
	if err := ValidateVaultName(info.Name); err != nil {
		return err
	}
	if !filepath.IsAbs(info.Location) || len(info.Location) > 1024 {
		return refuse(ErrUsage, "give the vault's directory", "invalid vault location %q", info.Location)
	}
	return CheckRecipients(info.Recipients)
}

// ValidateVaultName checks a vault's name: 1 to 31 characters, as a user's.
func ValidateVaultName(name string) error {
	if folded, err := ValidateUsername(name); err != nil || folded != name {
		return refuse(ErrUsage, "a vault's name is 1 to 31 lower-case letters, digits, '_', '-' or '.'", "invalid vault name %q", name)
	}
	return nil
}

// CheckRecipients parses age recipients (age1…, age1pq1…) and refuses what age
// would refuse at three in the morning: none, too many, one twice, or classic
// and post-quantum ones together.
func CheckRecipients(all []string) error {
	if len(all) == 0 || len(all) > maxRecipients {
		return refuse(ErrUsage, "make an identity with filehsm vault keygen --identity FILE, and name its recipient", "a vault has 1 to %d recipients", maxRecipients)
	}
	families := map[string]string{}
	for i, text := range all {
		if slices.Contains(all[:i], text) {
			return refuse(ErrUsage, "name it once", "recipient %s is named twice", shorten(text))
		}
		_, family, err := parseRecipient(text)
		if err != nil {
			return err
		}
		families[family] = text
	}
	if len(families) > 1 {
		return refuse(ErrUsage, "use recipients of one family in a vault; a second vault can have the other", "classic and post-quantum recipients cannot be mixed: an age file of both would be as weak as the weaker one")
	}
	return nil
}

// parseRecipient reads one recipient and says which family it is of.
func parseRecipient(text string) (age.Recipient, string, error) {
	if r, err := age.ParseX25519Recipient(text); err == nil {
		return r, "classic", nil
	}
	if r, err := age.ParseHybridRecipient(text); err == nil {
		return r, "post-quantum", nil
	}
	if strings.HasPrefix(strings.ToUpper(text), "AGE-SECRET-KEY-") {
		return nil, "", refuse(ErrUsage, "a recipient begins with age1; age-keygen -y FILE prints it", "a secret identity was given where a recipient belongs")
	}
	return nil, "", refuse(ErrUsage, "a recipient begins with age1; filehsm vault keygen prints one", "invalid recipient %q", shorten(text))
}

// shorten keeps a post-quantum recipient of 1,959 characters off the screen.
func shorten(text string) string {
	if len(text) <= 70 {
		return text
	}
	return text[:40] + "…" + text[len(text)-8:]
}

func parseRecipients(all []string) ([]age.Recipient, error) {
	var out []age.Recipient
	for _, text := range all {
		r, _, err := parseRecipient(text)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

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
