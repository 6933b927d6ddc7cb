package hsmfile

import (
	"context"

	"filehsm/hsmfile/internal/chain"
)

// Mend makes an image whole that was opened with AcceptPrevious: writing
// anything renews the damaged meta page. What is written is the entry that
// says so, for the newest change may be lost, a counted login attempt too.
func (im *Image) Mend(ctx context.Context) error {
	return im.update(ctx, func(c *change) error {
		return c.record(chain.Entry{Opcode: chain.MendImage, Epoch: c.epoch()})
	})
}
