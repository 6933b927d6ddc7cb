package hsmfile

import (
	"context"
	"time"

	"filehsm/hsmfile/internal/record"
)

// Levels of the audit log: state records every change, all every use of a key
// as well.
const (
	auditState = "state"
	auditAll   = "all"
)

// Policy is what the officers set for the image, or what the first roster of
// an uninitialized one will say. Needs no login.
func (im *Image) Policy(ctx context.Context) (*Policy, error) {
	p := &Policy{Lockout: "", AuditLevel: auditState}
	err := im.view(ctx, func(v *view) error {
		p.Lockout, p.Reset = v.h.Lockout, resetNames[v.h.Reset]
		if State(v.h.State) != Uninitialized {
			r, err := v.publicRoster()
			if err != nil {
				return err
			}
			p.Lockout, p.AuditLevel = r.Policy.Lockout, r.Policy.AuditLevel
		}
		p.Limits = lockoutPresets[p.Lockout]
		return nil
	})
	return p, err
}

// Users lists the users; that needs no login, as in CloudHSM.
func (im *Image) Users(ctx context.Context) (all []UserInfo, err error) {
	err = im.view(ctx, func(v *view) error {
		all, err = v.users()
		return err
	})
	return all, err
}

func (v *view) users() ([]UserInfo, error) {
	if State(v.h.State) == Uninitialized {
		return []UserInfo{{Username: "admin", Role: PRECO}}, nil
	}
	r, err := v.publicRoster()
	if err != nil {
		return nil, err
	}
	var all []UserInfo
	for i := range r.Users {
		info := UserInfo{Username: r.Users[i].Name, Role: Role(r.Users[i].Role)}
		if State(v.h.State) == Active {
			if err := v.describeUser(r, &r.Users[i], &info); err != nil {
				return nil, err
			}
		}
		all = append(all, info)
	}
	return all, nil
}

// describeUser adds what the login record and the counter say.
func (v *view) describeUser(r *roster, u *record.User, info *UserInfo) error {
	n, err := v.loadCounter(u)
	if err != nil {
		return err
	}
	l, err := v.loadLogin(u)
	if err != nil {
		return err
	}
	rule := lockoutOf(r.Policy.Lockout, info.Role)
	info.Locked, info.FailedAttempts, info.AttemptsLeft = n.Locked, int(n.Failures), rule.left(n)
	if !n.Locked { // he failed as often under a milder rule, and the next wrong one does what this one says
		info.AttemptsLeft = max(1, info.AttemptsLeft)
	}
	if n.Locked {
		stuck, err := v.stuck(r, u)
		if err != nil {
			return err
		}
		if stuck {
			info.WayOut = v.wayOut(r)
		}
	}
	info.OnLimit, info.PasswordSetBy, info.PasswordSetAt = rule.Action, l.SetBy, time.UnixMilli(l.SetAt).UTC()
	return nil
}
