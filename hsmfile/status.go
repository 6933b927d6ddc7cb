package hsmfile

import (
	"context"
	"fmt"
	"slices"

	"filehsm/hsmfile/internal/chain"
	"filehsm/hsmfile/internal/record"
)

// Status is all that anyone may know of the image, and what is not yet safe
// about it. Needs no login.
func (im *Image) Status(ctx context.Context) (st *Status, err error) {
	err = im.view(ctx, func(v *view) error {
		st, err = v.status()
		return err
	})
	return st, err
}

func (v *view) status() (*Status, error) {
	i := v.info()
	st := &Status{Path: v.im.path, Serial: i.Serial, Label: i.Label, Mode: i.Mode, State: i.State,
		Fingerprint: i.Fingerprint, Lockout: v.h.Lockout, Reset: resetNames[v.h.Reset]}
	last, err := chain.Last(v.r)
	if err != nil {
		return nil, v.im.damaged("audit chain", err)
	}
	if last.Entry != nil {
		st.Generation, st.KeyCount = last.Generation, int(last.KeyCount)
	}
	if st.Users, err = v.users(); err != nil {
		return nil, err
	}
	st.UserCount = len(st.Users)
	if st.Vaults, err = v.vaults(); err != nil {
		return nil, err
	}
	if i.State != Uninitialized {
		r, err := v.publicRoster()
		if err != nil {
			return nil, err
		}
		st.Lockout = r.Policy.Lockout
	}
	if i.State == Active {
		st.KeysNotInBackup, err = v.keysSince(newestBackup(st.Vaults))
	}
	st.Attention = st.attention()
	return st, err
}

// newestBackup is the generation of the newest backup that any vault took.
func newestBackup(vaults []VaultInfo) (generation uint64) {
	for _, x := range vaults {
		if x.LastBackup != nil {
			generation = max(generation, x.LastBackup.Generation)
		}
	}
	return generation
}

// keysSince counts the key objects made or changed after a generation and
// still there: it reads the entries since, not the keys. What a zeroization
// took is not there, and what a restore brought is in a backup.
func (v *view) keysSince(generation uint64) (int, error) {
	made := map[string]bool{}
	err := v.r.Scan(record.EntryPrefix(), record.EntryKey(generation), func(_ string, b []byte) error {
		e, err := chain.Decode(b)
		if err != nil {
			return v.im.damaged("audit chain", err)
		}
		if e.Gone || e.Restored != nil {
			clear(made)
		}
		for _, w := range e.Wrote {
			if record.Name(w.Name).Kind().KeyObject() {
				made[string(w.Name)] = len(w.Hash) > 0
			}
		}
		return nil
	})
	n := 0
	for _, there := range made {
		if there {
			n++
		}
	}
	return n, err
}

// attention says what is not yet safe, the most urgent first, each with the
// line that mends it.
func (st *Status) attention() []string {
	switch st.State {
	case Uninitialized:
		return []string{"not activated yet: filehsm activate --username admin"}
	case Zeroized:
		return []string{"zeroized, there are no keys here: " + restoreCommand(st.Vaults)}
	}
	return slices.Concat(st.nearLimit(), st.outsideBackups(), st.missingRoles())
}

// nearLimit are the users who are locked, or one wrong password from it.
func (st *Status) nearLimit() (all []string) {
	for _, u := range st.Users {
		switch {
		case u.WayOut != "":
			all = append(all, fmt.Sprintf("user %q is locked: ", u.Username)+u.WayOut)
		case u.Locked:
			all = append(all, fmt.Sprintf("user %q is locked: filehsm user unlock --username %s", u.Username, u.Username))
		case u.AttemptsLeft <= 1 && u.OnLimit == actionZeroize:
			all = append(all, fmt.Sprintf("one more wrong password of %q wipes every key", u.Username))
		case u.AttemptsLeft <= 1:
			all = append(all, fmt.Sprintf("one more wrong password locks user %q", u.Username))
		}
	}
	return all
}

// outsideBackups is what a loss of the file would cost.
func (st *Status) outsideBackups() (all []string) {
	if len(st.Vaults) == 0 {
		all = append(all, "no vault, so no backup can be made: filehsm vault keygen --identity FILE, then filehsm vault add NAME DIR --recipient age1…")
	}
	if n := st.KeysNotInBackup; n == 1 {
		all = append(all, "1 key is in no backup: filehsm backup create")
	} else if n > 1 {
		all = append(all, fmt.Sprintf("%d keys are in no backup: filehsm backup create", n))
	}
	for _, x := range st.Vaults {
		if x.LastBackup == nil {
			all = append(all, fmt.Sprintf("vault %q has no backup yet: filehsm backup create", x.Name))
		}
	}
	return all
}

// missingRoles are users without whom something cannot be done.
func (st *Status) missingRoles() (all []string) {
	count := map[Role]int{}
	for _, u := range st.Users {
		count[u.Role]++
	}
	if count[CO] == 1 {
		all = append(all, "one CO only, and nobody to reset his password: filehsm user create --role CO")
	}
	if count[AU] == 0 {
		all = append(all, "no AU to make the nightly backup: filehsm user create --role AU")
	}
	return all
}
