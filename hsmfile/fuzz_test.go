package hsmfile

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filehsm/hsmfile/internal/filestore"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/store"
)

// The property of every parser here: what it takes, it would write again byte
// for byte; everything else is a typed error.

// seeds are the records of a real image, without a fixture's T.
func seeds(f *testing.F) (all map[string][]byte, s *Session) {
	f.Helper()
	ctx, path := context.Background(), filepath.Join(f.TempDir(), "x.hsm")
	fatal := func(err error) {
		if err != nil {
			f.Fatal(err)
		}
	}
	im, err := Create(ctx, path, CreateSpec{Label: "x"}, Options{})
	fatal(err)
	s, err = im.Activate(ctx, "admin", pw(passCO))
	fatal(err)
	fatal(s.CreateUser(ctx, "alice", CU, pw(passAlice)))
	st, err := filestore.Open(path, filestore.Options{})
	fatal(err)
	all = map[string][]byte{}
	fatal(st.View(ctx, func(r store.Reader) error {
		return r.Scan("", "", func(key string, b []byte) error { all[key] = bytes.Clone(b); return nil })
	}))
	return all, s
}

func typed(t *testing.T, err error) {
	t.Helper()
	var ours *Error
	if !errors.As(err, &ours) && !errors.Is(err, record.ErrMalformed) && !errors.Is(err, record.ErrFuture) {
		t.Errorf("an error of no type: %v", err)
	}
}

func FuzzRoster(f *testing.F) {
	all, _ := seeds(f)
	for key, b := range all {
		if _, n, ok := record.SetOf(key); ok && n.Kind() == record.KindRoster {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseRoster(b)
		if err != nil {
			typed(t, err)
			return
		}
		if !bytes.Equal(record.Encode(&r.signed), b) || !bytes.Equal(record.Encode(r.Roster), r.signed.Body) {
			t.Errorf("%x is written again as %x", b, record.Encode(&r.signed))
		}
		officers(r.Roster) // whatever was taken can be worked with
		r.ByName("alice")
	})
}

func FuzzContent(f *testing.F) {
	all, _ := seeds(f)
	content := new(bytes.Buffer)
	content.WriteString(contentMagic + "\x00\x01")
	for _, key := range slices.Sorted(maps.Keys(all)) {
		writeRecord(content, key, all[key])
		if content.Len() > 4096 {
			break
		}
	}
	f.Add(append(bytes.Clone(content.Bytes()), 0, 0, 0, 0))
	f.Add([]byte(contentMagic + "\x00\x01\x00\x00\x00\x00"))
	f.Add([]byte(contentMagic + "\x00\x02"))
	f.Add([]byte(contentMagic + "\x00\x01\x00\x10\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		again := new(bytes.Buffer)
		again.WriteString(contentMagic + "\x00\x01")
		err := readContent(bytes.NewReader(b), func(key string, value []byte) error { return writeRecord(again, key, value) })
		if err != nil {
			typed(t, err)
			return
		}
		again.Write(make([]byte, 4))
		if !bytes.Equal(again.Bytes(), b) {
			t.Errorf("%x is written again as %x", b, again.Bytes())
		}
	})
}

func FuzzManifest(f *testing.F) {
	_, s := seeds(f)
	identity := new(bytes.Buffer)
	recipient, err := GenerateIdentity(identity, false, "")
	if err != nil {
		f.Fatal(err)
	}
	b, err := s.BeginBackup(context.Background())
	if err != nil {
		f.Fatal(err)
	}
	ms, err := b.Write(context.Background(), []BackupTarget{{[]string{recipient}, new(strings.Builder)}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(ms[0].Encode())
	f.Add([]byte(`{"version": 2}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseManifest(b)
		if err != nil {
			typed(t, err)
			return
		}
		if !bytes.Equal(m.Encode(), b) {
			t.Errorf("%q is written again as %q", b, m.Encode())
		}
		if strings.ContainsAny(m.ID, "/\\\x00") || m.ID == "" {
			t.Errorf("an id that is no file name: %q", m.ID)
		}
		m.verifies()
		m.Time()
	})
}

func FuzzSessionToken(f *testing.F) {
	_, s := seeds(f)
	t, err := s.Persist(context.Background(), DefaultTTL)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(t.Marshal().Reveal())
	f.Fuzz(func(t *testing.T, b []byte) {
		// A fuzzer does not guess SHA-256: it is given its body in an envelope, too.
		for _, b := range [][]byte{b, record.Envelope(tokenMagic, b)} {
			token, err := ParseSessionToken(b)
			if err != nil {
				typed(t, err)
				continue
			}
			if again := token.Marshal().Reveal(); !bytes.Equal(again, b) {
				t.Errorf("%x is written again as %x", b, again)
			}
		}
	})
}
