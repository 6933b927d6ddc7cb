package hsmfile

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"filehsm/hsmfile/internal/chain"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/store"
)

// contentMagic opens what is inside a backup's age file, the format's version
// follows it. Then come records, each as length and key, length and value
// (32 bits, big endian), in the order of their keys; a zero length ends them.
// The keys are those of the store, with the number of the live set left out.
const contentMagic = "filehsm-backup"

// writeContent writes all records but the volatile ones, and in the same walk
// replays the chain and compares the records with it. It refuses what is not
// whole when all of it is written. Reading, comparing and each of the writers
// have a goroutine.
func (v *view) writeContent(to ...io.Writer) error {
	p := newPacker()
	for _, w := range to {
		p.to = append(p.to, consume(func(b []byte) error {
			_, err := w.Write(b)
			return err
		}))
	}
	writing := p.to
	err := v.packContent(p)
	for _, w := range writing {
		if cause := w.Close(); cause != nil {
			err = cause
		}
	}
	return err
}

func (v *view) packContent(p *packer) error {
	if err := p.raw(binary.BigEndian.AppendUint16([]byte(contentMagic), record.Version)); err != nil {
		return err
	}
	put := func(key string, value []byte) error { return p.record(key, nil, value) }
	log, err := chain.Read(shown{v.r, put}, nil)
	if err != nil {
		return v.brokenChain(err)
	}
	if err := v.r.Scan(record.HeadPrefix(), "", put); err != nil {
		return err
	}
	if err := v.packSet(log, p); err != nil {
		return err
	}
	if err := p.raw(make([]byte, 4)); err != nil {
		return err
	}
	return p.flush()
}

// brokenChain tells damage from a failed write: both end the walk.
func (v *view) brokenChain(err error) error {
	if errors.Is(err, chain.ErrBroken) || errors.Is(err, store.ErrDamaged) {
		return v.im.damaged("audit chain", err)
	}
	return err
}

// packSet writes header and live set, and refuses if they are not what the
// chain says.
func (v *view) packSet(log *chain.Log, p *packer) error {
	header, err := v.r.Get(record.HeaderKey())
	if err != nil {
		return err
	}
	if err := p.record(record.HeaderKey(), nil, header); err != nil {
		return err
	}
	var first string
	findings := 0
	_, err = v.compareState(log, p, func(what, problem string) {
		if findings++; findings == 1 {
			first = what + ": " + problem
		}
	}, nil)
	if err == nil && findings > 0 {
		err = v.im.damaged(fmt.Sprintf("%d records; no backup was made of it", findings), errors.New(first))
	}
	return err
}

// shown is a Reader whose scans somebody else sees as well, first.
type shown struct {
	store.Reader
	to func(key string, value []byte) error
}

func (s shown) Scan(prefix, after string, fn func(key string, value []byte) error) error {
	return s.Reader.Scan(prefix, after, func(key string, value []byte) error {
		if err := s.to(key, value); err != nil {
			return err
		}
		return fn(key, value)
	})
}

// contentSet stands before the names of the live set's records.
const contentSet = "s"

// readContent calls fn for each record, whose value is fn's to keep. It takes
// exactly what writeContent makes: ascending keys, bounded sizes, an end, and
// nothing after it.
func readContent(r io.Reader, fn func(key string, value []byte) error) error {
	in := &parts{Reader: bufio.NewReaderSize(r, blockSize)}
	if err := readContentHead(in); err != nil {
		return err
	}
	for before := ""; ; {
		key, err := in.key()
		if err != nil {
			return err
		}
		if key == "" {
			break
		}
		if key <= before {
			return fmt.Errorf("%w: records are out of order", record.ErrMalformed)
		}
		before = key
		value, err := in.value()
		if err != nil {
			return err
		}
		if err := fn(key, value); err != nil {
			return err
		}
	}
	if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: bytes after the end", record.ErrMalformed)
	}
	return nil
}

func readContentHead(in io.Reader) error {
	head := make([]byte, len(contentMagic)+2)
	if _, err := io.ReadFull(in, head); err != nil || string(head[:len(contentMagic)]) != contentMagic {
		return fmt.Errorf("%w: not a backup", record.ErrMalformed)
	}
	switch version := binary.BigEndian.Uint16(head[len(contentMagic):]); {
	case version > record.Version:
		return record.ErrFuture
	case version < record.Version:
		return record.ErrMalformed
	}
	return nil
}

// parts reads what has its length before it.
type parts struct {
	*bufio.Reader
	room []byte // for the next values
}

func (p *parts) key() (string, error) {
	n, err := p.length(store.MaxKey)
	if err != nil {
		return "", err
	}
	b, err := p.Peek(n)
	if err != nil {
		return "", cutShort(err)
	}
	key := string(b)
	_, err = p.Discard(n)
	return key, err
}

// value reads a value. Small ones lie beside each other in one piece of memory.
func (p *parts) value() ([]byte, error) {
	n, err := p.length(store.MaxValue)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, fmt.Errorf("%w: an empty record", record.ErrMalformed)
	}
	if n > len(p.room) {
		p.room = make([]byte, max(n, blockSize))
	}
	b := p.room[:n:n]
	p.room = p.room[n:]
	_, err = io.ReadFull(p, b)
	return b, cutShort(err)
}

// length reads how long the next part is, at most max.
func (p *parts) length(max uint32) (int, error) {
	b, err := p.Peek(4)
	if err != nil {
		return 0, cutShort(err)
	}
	n := binary.BigEndian.Uint32(b)
	if n > max {
		return 0, fmt.Errorf("%w: a record of %d bytes", record.ErrMalformed, n)
	}
	_, err = p.Discard(4)
	return int(n), err
}

// cutShort tells an end in the middle from a failed read.
func cutShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: %v", record.ErrMalformed, errTruncated)
	}
	return err
}
