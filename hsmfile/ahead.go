package hsmfile

import "io"

// ahead reads in a goroutine of its own what somebody else will read from it:
// decrypting a backup and taking it apart then take two cores. It has two
// blocks, one of which is being read into.
type ahead struct {
	full  chan []byte
	empty chan []byte
	err   error  // how the reading ended; look at it when full is closed
	now   []byte // what is left of the block at hand
	block []byte // the whole of it
}

// aheadSize is large: to hand over a block costs as much as to decrypt some ten
// thousand bytes.
const aheadSize = 1 << 19

func readAhead(r io.Reader) *ahead {
	a := &ahead{full: make(chan []byte), empty: make(chan []byte, 2)}
	a.empty <- make([]byte, aheadSize)
	a.empty <- make([]byte, aheadSize)
	go a.run(r)
	return a
}

func (a *ahead) run(r io.Reader) {
	defer close(a.full)
	for b := range a.empty {
		n := 0
		for n < len(b) && a.err == nil {
			var m int
			m, a.err = r.Read(b[n:])
			n += m
		}
		a.full <- b[:n]
		if a.err != nil {
			return
		}
	}
}

func (a *ahead) Read(p []byte) (int, error) {
	for len(a.now) == 0 {
		if a.block != nil {
			a.empty <- a.block[:cap(a.block)]
		}
		if a.block = <-a.full; a.block == nil {
			return 0, a.err
		}
		a.now = a.block
	}
	n := copy(p, a.now)
	a.now = a.now[n:]
	return n, nil
}

// stop ends the goroutine, wherever it is. There is nothing to read after it.
func (a *ahead) stop() {
	close(a.empty)
	for range a.full {
	}
}
