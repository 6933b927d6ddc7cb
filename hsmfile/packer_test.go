package hsmfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
)

// writeRecord frames a record as a backup's content has it.
func writeRecord(w io.Writer, key string, value []byte) error {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(key)))
	b = binary.BigEndian.AppendUint32(append(b, key...), uint32(len(value)))
	_, err := w.Write(append(b, value...))
	return err
}

// TestPacker: what two goroutines get is what went in, in order, of all sizes,
// though blocks are used again.
func TestPacker(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	p := newPacker()
	var want, written, seen bytes.Buffer
	writing := consume(func(b []byte) error { written.Write(b); return nil })
	seeing := consume(func(b []byte) error {
		unpack(b, func(key, value []byte) { _ = writeRecord(&seen, string(key), value) })
		return nil
	})
	p.to = append(p.to, writing, seeing)
	value := make([]byte, 3*blockSize)
	for i := range value {
		value[i] = byte(random.Uint32())
	}
	for i := range 5000 {
		size := random.IntN(1000)
		switch i % 1000 {
		case 1:
			size = blockSize - 20
		case 2:
			size = len(value)
		}
		key, value := fmt.Sprint(i), value[random.IntN(len(value)-size+1):][:size]
		_ = writeRecord(&want, "s"+key, value)
		ok(t, p.record("s", []byte(key), value))
	}
	ok(t, p.flush())
	ok(t, errors.Join(writing.Close(), seeing.Close()))
	if !bytes.Equal(written.Bytes(), want.Bytes()) || !bytes.Equal(seen.Bytes(), want.Bytes()) {
		t.Errorf("%d bytes written, %d seen, want %d, or other ones", written.Len(), seen.Len(), want.Len())
	}
}

// TestPackerFails: an error behind ends the packing, and no goroutine waits for
// another.
func TestPackerFails(t *testing.T) {
	full := errors.New("full")
	p, n := newPacker(), 0
	writing := consume(func(b []byte) error {
		if n++; n == 3 {
			return full
		}
		return nil
	})
	seeing := consume(func([]byte) error { return nil })
	p.to = append(p.to, writing, seeing)
	var err error
	for i := 0; err == nil; i++ {
		err = p.record("s", []byte("key"), make([]byte, 1000))
	}
	if cause := writing.Close(); !errors.Is(err, full) || !errors.Is(cause, full) {
		t.Errorf("got %v, then %v", err, cause)
	}
	ok(t, seeing.Close())
}
