package commands

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"filehsm/hsmfile"
)

func backupRestoreLeaf() leaf {
	return leaf{
		name:  "restore",
		usage: "bring a zeroized image back, or make one anew, from a backup",
		example: "filehsm backup restore --vault usb --identity key.txt\n" +
			"filehsm backup restore --from /mnt/usb/hsm --identity key.txt --image prod.hsm",
		flags: []flag{vaultFlag("the vault to take the backup from"), fromFlag(),
			identityFlag("the age identity that opens the backup"),
			backupFlag("take this one, by its id; without it the newest that verifies"), trustFlag(),
			switchFlag("accept-older", "go on where the backup brings back what had been removed, or another vault took a newer one"), vaultTimeoutFlag()},
		run: backupRestore,
	}
}

// backupRestore needs no login: who has the vault and the identity could
// decrypt without us, and the keys stay sealed under their owners' passwords.
func backupRestore(c *call) (*Result, error) {
	if err := c.checkRestoreLine(); err != nil {
		return nil, err
	}
	identity, err := c.identity()
	if err != nil {
		return nil, err
	}
	im, err := c.restoreTarget()
	if err != nil {
		return nil, err
	}
	p, err := c.restoreSource(im)
	if err != nil {
		return nil, err
	}
	r := &restorer{call: c, im: im, identity: identity}
	plan, s, err := r.choose(p)
	if err != nil {
		return nil, err
	}
	if err := c.acceptOlder(plan); err != nil {
		return nil, err
	}
	elsewhere := im == nil
	im, err = plan.Apply(c.ctx)
	if err != nil {
		return nil, err
	}
	c.ctx = context.WithoutCancel(c.ctx) // it is done: say so, whoever presses Ctrl-C
	if path := c.headFile(im); path != "" {
		c.AtEnd(func() error { c.rememberHead(im, path, 0, ""); return nil })
	}
	return c.restored(im, s, plan.Report(), elsewhere)
}

func (c *call) checkRestoreLine() error {
	if c.Given("from") == c.Given("vault") {
		return usageError("--vault NAME for a vault that the image knows, --from DIR on another machine", "give --vault or --from")
	}
	if len(c.Words("vault")) > 1 {
		return usageError("", "--vault is given twice; a restore is from one vault")
	}
	if c.Given("trust") && !isFingerprint(c.Text("trust")) {
		return usageError("activate and vault keygen printed it", "--trust wants a fingerprint of 64 hex digits")
	}
	_, err := c.Need("identity")
	return err
}

func isFingerprint(text string) bool {
	return len(text) == 64 && strings.Trim(strings.ToLower(text), "0123456789abcdef") == ""
}

// restoreTarget is the zeroized image to restore into; nil where there is no
// file yet. Everything else stays as it is.
func (c *call) restoreTarget() (*hsmfile.Image, error) {
	im, err := c.openImage()
	switch {
	case missing(err) && c.Given("from"):
		return nil, nil
	case missing(err):
		return nil, &hsmfile.Error{Text: "only an image knows its vaults by name", Hint: "name the vault's directory: --from DIR", Err: err}
	case errors.Is(err, hsmfile.ErrIntegrity):
		return nil, &hsmfile.Error{Text: "nothing is restored over a damaged file", Hint: "move it away, or restore at another path: --image NEW.hsm --from DIR", Err: err}
	case err != nil:
		return nil, err
	}
	if at := im.Info().State; at != hsmfile.Zeroized {
		return nil, refusal(hsmfile.ErrState, "a restore goes into a zeroized image, or to a path where nothing is: --image NEW.hsm --from DIR",
			"%s: image is %s", im.Path(), at)
	}
	if fingerprint := im.Info().Fingerprint; c.Given("trust") && strings.ToLower(c.Text("trust")) != fingerprint {
		return nil, refusal(hsmfile.ErrIntegrity, "leave --trust out if this is the image that you mean; for another HSM's backup: --image NEW.hsm --from DIR",
			"%s is the image of HSM %s, not of the one that --trust names", im.Path(), fingerprint)
	}
	return im, nil
}

func (c *call) restoreSource(im *hsmfile.Image) (*place, error) {
	info := hsmfile.VaultInfo{Location: c.Text("from")}
	if !c.Given("from") {
		infos, err := c.vaultsOf(im)
		if err != nil {
			return nil, err
		}
		info = infos[0]
	}
	p := openPlace(c.ctx, info, lookLimit)
	return p, p.err
}

// acceptOlder says what the backup lacks, and asks before it brings back what
// somebody had removed, or passes over the vault that has the newest one.
func (c *call) acceptOlder(plan *hsmfile.RestorePlan) error {
	report := plan.Report()
	for _, text := range report.Newer {
		c.Warn("not restored: %s", text)
	}
	refused := plan.Refused()
	switch {
	case refused == nil:
		return nil
	case c.Switch("accept-older"):
		if len(report.ComesBack) > 0 {
			c.Warn("brought back: %s", strings.Join(report.ComesBack, ", "))
		}
		return nil
	case !c.HasTerminal():
		return refused
	}
	return c.Confirm(olderQuestion(report), "yes", "--accept-older")
}

func olderQuestion(report hsmfile.RestoreReport) string {
	var all []string
	for _, x := range report.Elsewhere {
		all = append(all, fmt.Sprintf("Vault %q took a newer backup, %s of %s: --vault %s.", x.Name, x.LastBackup.ID, shown(x.LastBackup.Created), x.Name))
	}
	if len(report.ComesBack) > 0 {
		all = append(all, fmt.Sprintf("Backup %s of %s would bring back %s.", report.Backup.ID, shown(report.Backup.Time()), strings.Join(report.ComesBack, ", ")))
	}
	return strings.Join(all, " ")
}
