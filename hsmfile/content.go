package hsmfile

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/store"
)

// contentMagic opens what is inside a backup's age file, the format's version
// follows it. Then come records, each as length and key, length and value
// (32 bits, big endian), in the order of their keys; a zero length ends them.
// The keys are those of the store, with the number of the live set left out.
const contentMagic = "filehsm-backup"

// writeContent writes all records but the volatile ones.
func (v *view) writeContent(w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<16)
	if _, err := out.Write(binary.BigEndian.AppendUint16([]byte(contentMagic), record.Version)); err != nil {
		return err
	}
	put := func(key string, value []byte) error { return writeRecord(out, key, value) }
	header, err := v.r.Get(record.HeaderKey())
	if err != nil {
		return err
	}
	steps := []func() error{
		func() error { return v.r.Scan(record.EntryPrefix(), "", put) },
		func() error { return v.r.Scan(record.HeadPrefix(), "", put) },
		func() error { return put(record.HeaderKey(), header) },
		func() error {
			return v.scan("", "", func(n record.Name, b []byte) error { return put(contentSet+string(n), b) })
		},
		func() error { return binary.Write(out, binary.BigEndian, uint32(0)) },
		out.Flush,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// contentSet stands before the names of the live set's records.
const contentSet = "s"

func writeRecord(w io.Writer, key string, value []byte) error {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(key)))
	b = append(b, key...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(value)))
	if _, err := w.Write(b); err != nil {
		return err
	}
	_, err := w.Write(value)
	return err
}

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
