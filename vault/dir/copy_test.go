package dir

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/iotest"
)

var errRead, errWrite = errors.New("read"), errors.New("write")

// TestCopyBeside: all bytes in order, and the error of either end, whenever it
// comes. An unexpected end that the reader reports is not an end.
func TestCopyBeside(t *testing.T) {
	for _, n := range []int{0, 1, blockSize - 1, blockSize, blockSize + 1, 5*blockSize + 7} {
		content := make([]byte, n)
		for i := range content {
			content[i] = byte(i * 7 >> 3)
		}
		for _, r := range []io.Reader{bytes.NewReader(content), iotest.HalfReader(bytes.NewReader(content)), iotest.DataErrReader(bytes.NewReader(content))} {
			var got bytes.Buffer
			if err := copyBeside(&got, r); err != nil || !bytes.Equal(got.Bytes(), content) {
				t.Errorf("%d bytes by %T: %d, %v", n, r, got.Len(), err)
			}
		}
		for _, want := range []error{errRead, io.ErrUnexpectedEOF} {
			var got bytes.Buffer
			err := copyBeside(&got, io.MultiReader(bytes.NewReader(content), iotest.ErrReader(want)))
			if !errors.Is(err, want) || !bytes.Equal(got.Bytes(), content) {
				t.Errorf("%d bytes and %v: %d, %v", n, want, got.Len(), err)
			}
		}
		if err := copyBeside(&short{n - 1}, bytes.NewReader(content)); n > 0 && !errors.Is(err, errWrite) {
			t.Errorf("%d bytes to where one less fits: %v", n, err)
		}
	}
	if err := copyBeside(&short{3 * blockSize}, endless{}); !errors.Is(err, errWrite) {
		t.Errorf("endless bytes: %v", err)
	}
}

// short takes so many bytes and no more.
type short struct{ left int }

func (s *short) Write(p []byte) (int, error) {
	if s.left -= len(p); s.left < 0 {
		return 0, errWrite
	}
	return len(p), nil
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestCopyBesidePanic(t *testing.T) {
	defer func() {
		if got := fmt.Sprint(recover()); got != "reader" {
			t.Errorf("got %q, want the reader's panic here", got)
		}
	}()
	copyBeside(io.Discard, panicking{})
}

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("reader") }
