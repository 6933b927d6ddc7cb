package hsmfile

import (
	"context"

	"filehsm/hsmfile/internal/record"
)

// SetPolicy changes the image's policy: an empty string leaves a value as it
// is. CO only.
func (s *Session) SetPolicy(ctx context.Context, lockout, auditLevel string) error {
	if lockout != "" && lockoutPresets[lockout] == nil {
		return refuse(ErrUsage, "the presets are "+presetNames(), "invalid lockout preset %q", lockout)
	}
	if auditLevel != "" && auditLevel != auditState && auditLevel != auditAll {
		return refuse(ErrUsage, "state records every change, all every use of a key as well", "invalid audit level %q", auditLevel)
	}
	if lockout == "" && auditLevel == "" {
		return refuse(ErrUsage, "--lockout PRESET, --audit-level state|all", "nothing to set")
	}
	return s.write(ctx, opPolicy, func(c *change) error {
		r, err := c.putRoster(s.roster, s.signer(), func(r *record.Roster) {
			r.Policy.Lockout = orDefault(lockout, r.Policy.Lockout)
			r.Policy.AuditLevel = orDefault(auditLevel, r.Policy.AuditLevel)
		})
		if err := s.pin(c, r, err); err != nil {
			return err
		}
		e := s.entry(c, opPolicy)
		if err := c.record(e); err != nil {
			return err
		}
		return c.signHead(s.author())
	})
}
