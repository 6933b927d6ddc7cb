package commands

import (
	"fmt"

	"filehsm/hsmfile"
)

// confirmLoss counts the keys that go with a user and, if there are any, has
// it confirmed. question takes his name and "3 keys".
func (c *call) confirmLoss(s *hsmfile.Session, name, question string) error {
	if s.Role() != hsmfile.CO {
		return nil // the deed itself is refused, with the right words
	}
	keys, err := s.OwnedKeys(c.ctx, name)
	if err != nil || keys == 0 {
		return err
	}
	text := fmt.Sprintf(question, name, counted(keys, "key"))
	if !c.Given("confirm") && !c.HasTerminal() {
		return usageError("add --confirm "+shellQuoted(name), "%s: not confirmed, nothing was done: %s", s.Image().Path(), text)
	}
	return c.confirmed(s.Image(), text, name)
}
