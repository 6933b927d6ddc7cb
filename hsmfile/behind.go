package hsmfile

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
