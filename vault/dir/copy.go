package dir

import (
	"errors"
	"io"
)

// blockSize is how much copyBeside reads at once; it has two such blocks.
const blockSize = 256 << 10

// copyBeside is io.Copy with the writing in another goroutine than the reading:
// hashing, and what the other end does to give the bytes, then take two cores.
// Both are over when it returns. r is read here, so that if it panics the
// caller's deferred calls run.
func copyBeside(w io.Writer, r io.Reader) error {
	full, empty, failed := make(chan []byte), make(chan []byte, 2), make(chan error, 1)
	empty <- make([]byte, blockSize)
	empty <- make([]byte, blockSize)
	go func() { failed <- writeBlocks(w, full, empty) }()
	err := readBlocks(r, full, empty)
	return errors.Join(<-failed, err)
}

// writeBlocks writes what is full and gives it back; after an error it takes
// what comes and gives nothing back, which ends the reading.
func writeBlocks(w io.Writer, full <-chan []byte, empty chan<- []byte) error {
	for b := range full {
		if _, err := w.Write(b); err != nil {
			close(empty)
			for range full { // there may be one more under way
			}
			return err
		}
		empty <- b[:blockSize]
	}
	return nil
}

// readBlocks fills what is empty, to the end of r.
func readBlocks(r io.Reader, full chan<- []byte, empty <-chan []byte) (err error) {
	defer close(full)
	for b := range empty {
		n := 0
		for n < len(b) && err == nil {
			var m int
			m, err = r.Read(b[n:])
			n += m
		}
		full <- b[:n]
		if err != nil {
			break
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
