package filestore

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
)

// growStep is by how much bbolt lengthens a file, in bytes; a file of less
// doubles.
const growStep = 1 << 20

// mapped is the address space that bbolt begins with. Whenever a file outgrows
// that, bbolt copies all that the transaction has changed: a restore would be
// copied ten times over.
const mapped = 256 << 20

// engine is bbolt on an image that we have locked. It is opened by a session's
// first commit and closed at the session's end, or a little later (rest.go).
type engine struct {
	db   *bbolt.DB
	file *os.File  // bbolt's handle
	tx   *bbolt.Tx // the last one begun

	info   os.FileInfo // which file it is, once it has rested
	left   *standing   // how its last session left the file
	failed bool        // a commit failed: nobody knows how it left the file
}

// open hands bbolt a duplicate of our handle. Both share one open file
// description and so one flock: bbolt finds the file locked by itself, and when
// it closes its handle, after an error in here too, the lock is gone.
func (e *engine) open(file *os.File) (err error) {
	e.db, err = bbolt.Open(file.Name(), 0o600, &bbolt.Options{
		PageSize:        pageSize,
		FreelistType:    bbolt.FreelistArrayType, // in order: the same changes give the same file
		NoStatistics:    true,
		InitialMmapSize: mapped,
		OpenFile: func(name string, _ int, _ os.FileMode) (*os.File, error) {
			fd, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
			if err != nil {
				return nil, err
			}
			e.file = os.NewFile(uintptr(fd), name)
			return e.file, nil
		},
	})
	if err != nil {
		return named(err)
	}
	return nil
}

// usable is false when bbolt did not open, or panicked and left its transaction
// open: the next one, and its own Close, would wait for that one for ever.
func (e *engine) usable() bool { return e.db != nil && (e.tx == nil || e.tx.DB() == nil) }

// update is one bbolt transaction. bbolt writes in this order: (1) the changed
// pages, to places that the newest meta page does not know as used; (2) sync;
// (3) the older meta page, now the newest: THE COMMIT POINT; (4) sync. If (3) or
// (4) fails, the change may or may not be there, whole either way.
func (e *engine) update(fn func(tx *bbolt.Tx) error) error {
	if e.db.AllocSize != growStep {
		size, err := sizeOf(e.file)
		if err != nil {
			return err
		}
		e.db.AllocSize = int(min(size, growStep))
	}
	return named(e.db.Update(func(tx *bbolt.Tx) error {
		e.tx = tx
		return fn(tx)
	}))
}

// close gives back what bbolt holds. Of an engine that is not usable it closes
// the handle alone; the mapping stays until the process ends.
func (e *engine) close() error {
	if e.usable() {
		return e.db.Close()
	}
	if e.file != nil {
		return e.file.Close()
	}
	return nil
}

// named gives an error back the system's error number: bbolt flattens some
// (failed to grow, failed to map) into text.
func named(err error) error {
	var no syscall.Errno
	if err == nil || errors.As(err, &no) {
		return err
	}
	for _, no := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG, syscall.EIO, syscall.ENOMEM} {
		if strings.Contains(err.Error(), no.Error()) {
			return fmt.Errorf("%w (%w)", err, no)
		}
	}
	return err
}
