package hsmfile

import "io"

// behind does something with each of the things it is sent, in order, in a
// goroutine of its own: so that reading an image, checking and encrypting it
// take more than one core. An error shows in a later send, or in Close, which
// waits for all that was sent.
type behind[T any] struct {
	things chan T
	done   chan struct{}
	err    error // of the goroutine; read it after done is closed
}

// behindMost bounds what is between sender and goroutine.
const behindMost = 32

func newBehind[T any](do func(T) error) *behind[T] {
	b := &behind[T]{things: make(chan T, behindMost), done: make(chan struct{})}
	go b.run(do)
	return b
}

func (b *behind[T]) run(do func(T) error) {
	defer close(b.done)
	for x := range b.things {
		if b.err = do(x); b.err != nil {
			return
		}
	}
}

func (b *behind[T]) send(x T) error {
	select {
	case b.things <- x:
		return nil
	case <-b.done:
		return b.err
	}
}

// Close ends the goroutine. Call it once, whatever send said.
func (b *behind[T]) Close() error {
	close(b.things)
	<-b.done
	return b.err
}

// blockSize is how many bytes are written behind at once.
const blockSize = 1 << 16

// behindWriter writes behind, in blocks. Close writes the last of them.
type behindWriter struct {
	*behind[[]byte]
	block []byte
}

func newBehindWriter(to io.Writer) *behindWriter {
	return &behindWriter{behind: newBehind(func(block []byte) error {
		_, err := to.Write(block)
		return err
	})}
}

func (w *behindWriter) Write(p []byte) (int, error) {
	if len(w.block)+len(p) > cap(w.block) {
		if err := w.flush(); err != nil {
			return 0, err
		}
		w.block = make([]byte, 0, max(blockSize, len(p)))
	}
	w.block = append(w.block, p...)
	return len(p), nil
}

func (w *behindWriter) flush() error {
	if len(w.block) == 0 {
		return nil
	}
	block := w.block
	w.block = nil
	return w.send(block)
}

// Close ends the goroutine when all is written.
func (w *behindWriter) Close() error {
	_ = w.flush() // what it would say, Close says too
	return w.behind.Close()
}
