package commands

import (
	"fmt"
	"strings"

	"filehsm/hsmfile"
)

// restored says what is there now, and what is as it was then.
func (c *call) restored(im *hsmfile.Image, s *stored, report hsmfile.RestoreReport, elsewhere bool) (*Result, error) {
	users, err := im.Users(c.ctx)
	if err != nil {
		return nil, err
	}
	vaults := c.restoredVaults(im)
	m, i := s.manifest, im.Info()
	objects := []object{}
	for _, u := range users {
		objects = append(objects, object{{"username", u.Username}, {"role", u.Role.String()}})
	}
	data := object{{"image", im.Path()}, {"serial", i.Serial}, {"fingerprint", i.Fingerprint}, {"state", i.State.String()},
		{"backup", m.ID}, {"vault", s.place.label()}, {"created", m.Created}, {"generation", m.Generation}, {"key-count", m.KeyCount}, {"users", objects},
		{"newer", append([]string{}, report.Newer...)}, {"brought-back", append([]string{}, report.ComesBack...)}}
	view := views{facts{
		{"restored", im.Path()},
		{"from", fmt.Sprintf("backup %s in %s", m.ID, s.place.what())},
		{"made", fmt.Sprintf("%s by %s (%s)", shown(m.Time()), m.Signer.Username, m.Signer.Role)},
		{"keys", fmt.Sprint(m.KeyCount)},
		{"users", strings.Join(report.Users, ", ")},
	}, note("Users, passwords and vaults are those of " + shown(m.Time()) + "; failed logins are forgotten, sessions are over.")}
	if elsewhere && len(vaults) > 0 {
		view = append(view, note(c.copyAdvice(vaults)))
	}
	return &Result{Data: data, View: view, Next: c.line("login --username %s", users[0].Username)}, nil
}

// copyAdvice: nothing here knows whether the original is gone. If it is not,
// the first backup of the copy would stop those of the original, which cannot
// be on the copy's chain.
func (c *call) copyAdvice(vaults []hsmfile.VaultInfo) string {
	var names []string
	for _, x := range vaults {
		names = append(names, x.Name)
	}
	return "This is a copy. If the original is still in use, no backup of the copy may go into its vaults, or the original's are refused there:\n" +
		"delete the copy when the rehearsal is over, or take " + inWords(names) + " out of it: " + c.line("vault remove %s", names[0])
}

// restoredVaults are the vaults that came with the backup. On another machine
// they are rarely where they were.
func (c *call) restoredVaults(im *hsmfile.Image) []hsmfile.VaultInfo {
	infos, err := im.Vaults(c.ctx)
	if err != nil {
		return nil // the image is restored; whoever uses it next is told
	}
	for _, p := range openPlaces(c.ctx, infos, lookLimit) {
		if p.err != nil {
			c.Warn("%v; the path is that of the backup's time: mount it there, or filehsm vault remove %s and filehsm vault add %s DIR", p.err, p.info.Name, p.info.Name)
		}
	}
	return infos
}
