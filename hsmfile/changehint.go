package hsmfile

import (
	"errors"
	"fmt"

	"filehsm/hsmfile/attr"
)

// wayTo is the hint of a refusal by an attribute: the line that sets it, if
// the attribute table lets the key's owner do that, and otherwise what the
// caller says.
func (s *Session) wayTo(o object, name attr.Name, value, otherwise string) string {
	copied := *o.set
	if !o.set.Is(attr.Modifiable) || copied.Modify(attr.Assignment{Name: name, Value: value}, false) != nil {
		return otherwise
	}
	line := setAttributeLine(o.ref(), name, value)
	if o.owner == s.id() {
		return line
	}
	return "its owner can: " + line + " --as " + s.key(o).Owner
}

// wayToTrust is the line with which a CO marks a wrapping key as trusted.
func (s *Session) wayToTrust(under object) string {
	line := "a CO can: " + setAttributeLine(under.ref(), attr.Trusted, "true")
	for i := range s.roster.Users {
		if u := &s.roster.Users[i]; Role(u.Role) == CO {
			return line + " --as " + u.Name
		}
	}
	return line
}

// notByOwner adds to the refusal of trusted, which no owner sets, who can.
func (s *Session) notByOwner(o object, a attr.Assignment, err error) error {
	var e *Error
	if a.Name == attr.Trusted && a.Value == "true" && errors.As(err, &e) {
		e.Hint = s.wayToTrust(o)
	}
	return err
}

func setAttributeLine(ref uint64, name attr.Name, value string) string {
	return fmt.Sprintf("filehsm key set-attribute --filter key-reference=%s --name %s --value %s", attr.FormatReference(ref), name, value)
}
