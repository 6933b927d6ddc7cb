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
// whole when all of it is written. Reading, comparing and writing take a core
// each.
func (v *view) writeContent(w io.Writer) error {
	p := newPacker()
	writing := consume(func(b []byte) error {
		_, err := w.Write(b)
		return err
	})
	p.to = append(p.to, writing)
	err := v.packContent(p)
	if cause := writing.Close(); cause != nil {
		err = cause
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

// readContent calls fn for each record. It takes exactly what writeContent
// makes: ascending keys, bounded sizes, an end, and nothing after it.
func readContent(r io.Reader, fn func(key string, value []byte) error) error {
	in := bufio.NewReaderSize(r, 1<<16)
	if err := readContentHead(in); err != nil {
		return err
	}
	for before := ""; ; {
		key, err := readPart(in, store.MaxKey)
		if err != nil {
			return err
		}
		if len(key) == 0 {
			break
		}
		if string(key) <= before {
			return fmt.Errorf("%w: records are out of order", record.ErrMalformed)
		}
		before = string(key)
		value, err := readPart(in, store.MaxValue)
		if err != nil {
			return err
		}
		if len(value) == 0 {
			return fmt.Errorf("%w: an empty record", record.ErrMalformed)
		}
		if err := fn(before, value); err != nil {
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

// readPart reads a length and as many bytes, at most max.
func readPart(in io.Reader, max uint32) ([]byte, error) {
	var n uint32
	if err := binary.Read(in, binary.BigEndian, &n); err != nil {
		return nil, fmt.Errorf("%w: %v", record.ErrMalformed, errTruncated)
	}
	if n > max {
		return nil, fmt.Errorf("%w: a record of %d bytes", record.ErrMalformed, n)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(in, b); err != nil {
		return nil, fmt.Errorf("%w: %v", record.ErrMalformed, errTruncated)
	}
	return b, nil
}
