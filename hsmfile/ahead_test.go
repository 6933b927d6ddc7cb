package hsmfile

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

// TestReadAhead: all bytes in order, then the reader's own end, whatever it is.
func TestReadAhead(t *testing.T) {
	failed := errors.New("failed")
	for _, n := range []int{0, 1, aheadSize - 1, aheadSize, 5*aheadSize + 7} {
		content := make([]byte, n)
		for i := range content {
			content[i] = byte(i * 7 >> 3)
		}
		for _, end := range []error{nil, failed, io.ErrUnexpectedEOF} {
			r := io.Reader(bytes.NewReader(content))
			if end != nil {
				r = io.MultiReader(r, iotest.ErrReader(end))
			}
			a := readAhead(iotest.HalfReader(r))
			got, err := io.ReadAll(iotest.OneByteReader(io.LimitReader(a, 10)))
			rest, after := io.ReadAll(a)
			a.stop()
			if got = append(got, rest...); err == nil {
				err = after
			}
			if !errors.Is(err, end) || !bytes.Equal(got, content) {
				t.Errorf("%d bytes, then %v: got %d, then %v", n, end, len(got), err)
			}
		}
	}
}

// TestReadAheadStops: whoever has read enough leaves no goroutine behind.
func TestReadAheadStops(t *testing.T) {
	for _, n := range []int{0, 1, aheadSize, 3 * aheadSize} {
		r := &endless{}
		a := readAhead(r)
		if _, err := io.ReadFull(a, make([]byte, n)); err != nil {
			t.Fatal(err)
		}
		a.stop()
		if r.n > n+3*aheadSize {
			t.Errorf("after %d bytes it has read %d", n, r.n)
		}
	}
}

type endless struct{ n int }

func (e *endless) Read(p []byte) (int, error) {
	e.n += len(p)
	return len(p), nil
}
