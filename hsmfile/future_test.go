package hsmfile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"filehsm/hsmfile/internal/filestore"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/store"
)

// later rewrites an enveloped value as a newer version would have written it:
// another version number, and a checksum that is right.
func later(b []byte, magic string) []byte {
	b = bytes.Clone(b[:len(b)-sha256.Size])
	binary.BigEndian.PutUint16(b[len(magic):], record.Version+1)
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

// TestFutureImage: an image of a newer version is refused as such, unchanged;
// one whose version alone was flipped is damaged.
func TestFutureImage(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "a.hsm")
	must[*Image](t)(Create(ctx, path, CreateSpec{Label: "a"}, Options{}))
	s := must[*filestore.Store](t)(filestore.Open(path, filestore.Options{}))
	var header []byte
	change := func(value []byte) {
		ok(t, s.Update(ctx, func(w store.Writer) error { return w.Put(record.HeaderKey(), value) }))
	}
	ok(t, s.View(ctx, func(r store.Reader) (err error) {
		header, err = r.Get(record.HeaderKey())
		return err
	}))
	change(later(header, "filehsm-image"))
	before := must[[]byte](t)(os.ReadFile(path))
	_, err := Open(ctx, path, Options{})
	wantKind(t, err, ErrState)
	if !bytes.Equal(before, must[[]byte](t)(os.ReadFile(path))) {
		t.Error("the image was changed")
	}
	flipped := bytes.Clone(header)
	flipped[len("filehsm-image")+1]++
	change(flipped)
	_, err = Open(ctx, path, Options{})
	wantKind(t, err, ErrIntegrity)
	change(header)
	whole(t, must[*Image](t)(Open(ctx, path, Options{})))
}

// TestFutureContent: the same for what is inside a backup.
func TestFutureContent(t *testing.T) {
	head := binary.BigEndian.AppendUint16([]byte(contentMagic), record.Version+1)
	err := readContent(bytes.NewReader(head), func(string, []byte) error { return nil })
	p := &RestorePlan{m: &Manifest{ID: "x"}}
	wantKind(t, p.altered(err), ErrState)
}
