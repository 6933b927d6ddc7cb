package commands

import (
	"context"
	"strings"
	"testing"
)

// An expiring context is over when it has been looked at so many times.
type expiring struct {
	context.Context
	looks int
}

func (e *expiring) Err() error {
	if e.looks--; e.looks < 0 {
		return context.Canceled
	}
	return nil
}

// TestRestoreInterrupted: Ctrl-C at each look that a restore takes. Either it
// says that it is interrupted and the image is what it was, or that it is done
// and the image is restored.
func TestRestoreInterrupted(t *testing.T) {
	s := newScene(t)
	s.populate()
	s.must("backup create" + byAdmin)
	s.must("zeroize --confirm prod" + byAdmin)
	for looks := 1; ; looks++ {
		o := s.runIn(&expiring{context.Background(), looks}, "backup restore --vault usb --identity key.txt")
		switch state := s.state(); {
		case o.code == 0 && state == "active" && strings.Contains(o.out, "restored"):
			if looks < 5 {
				t.Errorf("a restore looks up %d times only", looks)
			}
			return
		case o.code != 1 || state != "zeroized" || !strings.Contains(o.err, "interrupted"):
			t.Fatalf("interrupted at look %d: exit %d, %s\n%s%s", looks, o.code, state, o.out, o.err)
		}
	}
}
