package hsmfile

import (
	"encoding/binary"
	"sync/atomic"
)

// A packer lays records into blocks, framed as in a backup's content, and hands
// each block to goroutines that encrypt or check it. A block is used again when
// all are done with it: a few megabytes go round, whatever the image's size.
type packer struct {
	to   []*behind[*block]
	now  *block
	free chan *block
}

// block is whole records.
type block struct {
	bytes []byte
	users atomic.Int32
	free  chan<- *block
}

// blockSize is what a block holds; a larger record has one of its own.
const blockSize = 1 << 16

func newPacker() *packer { return &packer{free: make(chan *block, behindMost)} }

// consume is behind for the blocks of a packer.
func consume(do func(b []byte) error) *behind[*block] {
	return newBehind(func(b *block) error {
		err := do(b.bytes)
		b.done()
		return err
	})
}

// done gives a block back.
func (b *block) done() {
	if b.users.Add(-1) > 0 || cap(b.bytes) > blockSize {
		return
	}
	select {
	case b.free <- b:
	default:
	}
}

// record puts a record into the block at hand: set stands before its key.
func (p *packer) record(set string, key, value []byte) error {
	if err := p.room(8 + len(set) + len(key) + len(value)); err != nil {
		return err
	}
	b := binary.BigEndian.AppendUint32(p.now.bytes, uint32(len(set)+len(key)))
	b = append(append(b, set...), key...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(value)))
	p.now.bytes = append(b, value...)
	return nil
}

// raw puts bytes that are no record.
func (p *packer) raw(b []byte) error {
	err := p.room(len(b))
	if err == nil {
		p.now.bytes = append(p.now.bytes, b...)
	}
	return err
}

// room makes sure that so many bytes fit in the block at hand.
func (p *packer) room(n int) error {
	if p.now != nil && len(p.now.bytes)+n <= cap(p.now.bytes) {
		return nil
	}
	if err := p.flush(); err != nil {
		return err
	}
	if n <= blockSize {
		select {
		case p.now = <-p.free:
			p.now.bytes = p.now.bytes[:0]
			return nil
		default:
		}
	}
	p.now = &block{bytes: make([]byte, 0, max(n, blockSize)), free: p.free}
	return nil
}

// flush hands over the block at hand.
func (p *packer) flush() error {
	b := p.now
	if b == nil || len(b.bytes) == 0 {
		return nil
	}
	p.now = nil
	b.users.Store(int32(len(p.to)))
	for _, to := range p.to {
		if err := to.send(b); err != nil {
			return err
		}
	}
	return nil
}

// unpack calls fn for each record of a block.
func unpack(b []byte, fn func(key, value []byte)) {
	next := func() []byte {
		n := 4 + binary.BigEndian.Uint32(b)
		part := b[4:n]
		b = b[n:]
		return part
	}
	for len(b) > 0 {
		key := next()
		fn(key, next())
	}
}
