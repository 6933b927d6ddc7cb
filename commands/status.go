package commands

import (
	"fmt"
	"strconv"
	"strings"

	"filehsm/hsmfile"
)

func statusLeaf() leaf {
	return leaf{
		name:    "status",
		usage:   "the state of the image, and what is not yet safe; needs no login",
		example: "filehsm status",
		run:     status,
	}
}

// status is the page for three in the morning: everything that can be known
// without a password, and the line to type for everything that is wrong.
func status(c *call) (*Result, error) {
	im, err := c.openImage()
	if err != nil {
		return nil, err
	}
	st, err := im.Status(c.ctx)
	if err != nil {
		return nil, err
	}
	session := c.openSession(im)
	attention := append(st.Attention, c.vaultAttention(st)...)
	return &Result{Data: statusData(st, session, attention), View: statusView(st, session, attention)}, nil
}

// sessionEntry is the open session in JSON.
type sessionEntry struct {
	Username string `json:"username"`
	Role     string `json:"role"`
	Expires  string `json:"expires"`
}

func statusData(st *hsmfile.Status, session *hsmfile.SessionToken, attention []string) object {
	vaults := []object{}
	for _, x := range st.Vaults {
		vaults = append(vaults, vaultObject(x))
	}
	var open *sessionEntry
	if session != nil {
		open = &sessionEntry{session.Username(), session.Role().String(), stamp(session.Expires())}
	}
	return object{
		{"image", st.Path}, {"serial", st.Serial}, {"label", st.Label}, {"mode", st.Mode}, {"state", st.State.String()},
		{"fingerprint", st.Fingerprint}, {"generation", st.Generation}, {"key-count", st.KeyCount}, {"user-count", st.UserCount},
		{"lockout", st.Lockout}, {"vaults", vaults}, {"session", open}, {"attention", append([]string{}, attention...)},
	}
}

func statusView(st *hsmfile.Status, session *hsmfile.SessionToken, attention []string) view {
	page := views{statusFacts(st, session), userGrid(st.Users)}
	if len(st.Vaults) > 0 {
		page = append(page, vaultGrid(st.Vaults))
	}
	if len(attention) == 0 {
		return append(page, note("nothing needs attention"))
	}
	return append(page, note("attention:\n  "+strings.Join(attention, "\n  ")))
}

func statusFacts(st *hsmfile.Status, session *hsmfile.SessionToken) facts {
	who := "nobody is logged in"
	if session != nil {
		who = fmt.Sprintf("%s (%s), until %s", session.Username(), session.Role(), shown(session.Expires()))
	}
	all := facts{
		{"image", st.Path},
		{"state", st.State.String()},
		{"label", st.Label},
		{"serial", st.Serial},
		{"mode", st.Mode},
	}
	if st.Fingerprint != "" {
		all = append(all, fact{"fingerprint", st.Fingerprint}, fact{"generation", strconv.FormatUint(st.Generation, 10)})
	}
	return append(all,
		fact{"keys", strconv.Itoa(st.KeyCount)},
		fact{"lockout", st.Lockout},
		fact{"session", who})
}

func vaultGrid(vaults []hsmfile.VaultInfo) grid {
	table := grid{columns: []string{"vault", "location", "last backup", "of"}}
	for _, x := range vaults {
		id, at := "none", "-"
		if b := x.LastBackup; b != nil {
			id, at = b.ID, shown(b.Created)
		}
		table.rows = append(table.rows, []string{x.Name, x.Location, id, at})
	}
	return table
}
