package hsmfile

import (
	"bytes"
	"io"
)

// behind writes in a goroutine of its own, so that reading an image and
// encrypting it take two cores. An error shows in a later Write, or in Close,
// which waits for all that was written.
type behind struct {
	to     io.Writer
	chunks chan []byte
	done   chan struct{}
	err    error // of the goroutine; read it after done is closed
}

// behindChunks bounds what is between reader and writer.
const behindChunks = 32

func newBehind(to io.Writer) *behind {
	b := &behind{to: to, chunks: make(chan []byte, behindChunks), done: make(chan struct{})}
	go b.run()
	return b
}

func (b *behind) run() {
	defer close(b.done)
	for chunk := range b.chunks {
		if _, b.err = b.to.Write(chunk); b.err != nil {
			return
		}
	}
}

func (b *behind) Write(p []byte) (int, error) {
	select {
	case b.chunks <- bytes.Clone(p):
		return len(p), nil
	case <-b.done:
		return 0, b.err
	}
}

// Close ends the goroutine. Call it once, whatever Write said.
func (b *behind) Close() error {
	close(b.chunks)
	<-b.done
	return b.err
}
