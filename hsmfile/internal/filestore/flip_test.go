package filestore

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"filehsm/hsmfile/internal/store"
)

// flipsVariable names the environment variable with the number of damaged
// images to try; the long form is 32768.
const flipsVariable = "FILEHSM_FLIPS"

const (
	shortFlips = 2000
	flipLimit  = 2 * time.Minute // for everything done to one image: a busy machine takes less
)

// A damage spoils an image in place and says what it did.
type damage struct {
	name  string
	spoil func(raw []byte, random *rand.Rand) string
}

var damages = []damage{
	{"bit", flipBit},
	{"head of a page", flipPageHead},
	{"meta page with a right checksum", flipMeta},
	{"page in another's place", copyPage},
}

func flipBit(raw []byte, random *rand.Rand) string {
	at, bit := random.IntN(len(raw)), random.IntN(8)
	raw[at] ^= 1 << bit
	return fmt.Sprintf("byte %d bit %d", at, bit)
}

// flipPageHead aims at headers and element tables, where a flip does most.
func flipPageHead(raw []byte, random *rand.Rand) string {
	at := random.IntN(len(raw)/pageSize)*pageSize + random.IntN(160)
	was := raw[at]
	raw[at] = byte(random.Uint32())
	return fmt.Sprintf("byte %d from %#x to %#x", at, was, raw[at])
}

// flipMeta is the work of somebody who can compute the checksum.
func flipMeta(raw []byte, random *rand.Rand) string {
	page, at := random.IntN(2), 16+random.IntN(40)
	body := raw[page*pageSize+headerSize:][:metaSize]
	body[at] ^= 1 << random.IntN(8)
	order.PutUint64(body[56:], checksum(body))
	return fmt.Sprintf("byte %d of meta page %d is %#x", at, page, body[at])
}

// copyPage puts a page where another was, under that one's number: branches
// that point to themselves, records twice, a leaf as the list of free pages.
func copyPage(raw []byte, random *rand.Rand) string {
	pages := len(raw) / pageSize
	from, to := random.IntN(pages), random.IntN(pages)
	copy(raw[to*pageSize:][:pageSize], raw[from*pageSize:][:pageSize])
	order.PutUint64(raw[to*pageSize:], uint64(to))
	return fmt.Sprintf("page %d in the place of %d", from, to)
}

// TestDamage does everything that a store can do to damaged images. Each answer
// must be an error that says damaged, or records that hang together.
func TestDamage(t *testing.T) {
	original := flipImage(t)
	dir := fastDir(t)
	for _, d := range damages {
		t.Run(d.name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(3, uint64(len(d.name))))
			refused := 0
			for range flipCount(t) / len(damages) {
				raw := append([]byte(nil), original...)
				if spoilAndUse(t, filepath.Join(dir, "flip.hsm"), raw, d.spoil(raw, random)) {
					refused++
				}
			}
			t.Logf("%d refused", refused)
		})
	}
}

func flipCount(t testing.TB) int {
	given := os.Getenv(flipsVariable)
	if given == "" {
		return shortFlips
	}
	n, err := strconv.Atoi(given)
	if err != nil {
		t.Fatalf("malformed %s: %v", flipsVariable, err)
	}
	return n
}

// fastDir returns a directory in memory where there is one: a commit syncs
// several times.
func fastDir(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "filestore")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// flipImage has branches, leaves, overflow pages, and a list of free pages.
func flipImage(t testing.TB) []byte {
	s := newStore(t, func(w store.Writer) error { return putMany(w, 400, plainValue) })
	mustUpdate(t, s, func(w store.Writer) error {
		return errors.Join(deleteAll(w, 60), w.Put("z/big", make([]byte, 30000)))
	})
	mustUpdate(t, s, func(w store.Writer) error { return w.Put("k/00200", []byte("new")) })
	return rawImage(t, s)
}

func spoilAndUse(t *testing.T, path string, raw []byte, what string) (refused bool) {
	t.Helper()
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	alarm := time.AfterFunc(flipLimit, func() { panic("hang: " + what) })
	defer alarm.Stop()
	s, err := Open(path, Options{})
	if err == nil {
		err = useAll(t, s)
	}
	if err != nil && !errors.Is(err, store.ErrDamaged) {
		t.Fatalf("%s: %v", what, err)
	}
	return err != nil
}

// useAll returns the first error but tries everything else all the same.
func useAll(t *testing.T, s *Store) error {
	before, scanErr := recordKeys(t, s)
	_, getErr := lastAndGet(t, s)
	changed := map[string]bool{"k/00100": false, "k/00399": false, "new": true}
	updateErr := s.Update(t.Context(), func(w store.Writer) error {
		return errors.Join(w.Delete("k/00100"), w.Delete("k/00399"), w.Put("new", make([]byte, 9000)))
	})
	if scanErr == nil && updateErr == nil {
		for key, stays := range changed {
			before[key] = stays
		}
	}
	scrubErr := s.Scrub(t.Context())
	after, afterErr := recordKeys(t, s)
	err := errors.Join(scanErr, getErr, updateErr, scrubErr)
	if err != nil {
		return err
	}
	if err := errors.Join(afterErr, s.Check(t.Context())); err != nil {
		t.Fatalf("after a Scrub without error: %v", err)
	}
	for key, stays := range before {
		if after[key] != stays {
			t.Fatalf("after all went well, %q is there: %t", key, after[key])
		}
	}
	return nil
}

func recordKeys(t *testing.T, s *Store) (map[string]bool, error) {
	keys := map[string]bool{}
	err := s.View(t.Context(), func(r store.Reader) error {
		return r.Scan("", "", func(key string, value []byte) error {
			keys[key] = true
			return nil
		})
	})
	return keys, err
}

func lastAndGet(t *testing.T, s *Store) (value []byte, err error) {
	err = s.View(t.Context(), func(r store.Reader) error {
		_, _, err := r.Last("k/")
		value, _ = r.Get("k/00250")
		return err
	})
	return value, err
}

// FuzzImage writes the fuzzer's bytes into an image and makes the checksums of
// its meta pages right again.
func FuzzImage(f *testing.F) {
	original := flipImage(f)
	f.Add(uint32(0), []byte{1})
	f.Add(uint32(3*pageSize+8), []byte{leafFlag, 0, 2, 0, 0, 0, 0, 0})
	f.Add(uint32(5*pageSize+headerSize), make([]byte, 64))
	dir := fastDir(f)
	f.Fuzz(func(t *testing.T, at uint32, patch []byte) {
		raw := append([]byte(nil), original...)
		copy(raw[int(at)%len(raw):], patch)
		for page := range 2 {
			body := raw[page*pageSize+headerSize:][:metaSize]
			order.PutUint64(body[56:], checksum(body))
		}
		spoilAndUse(t, filepath.Join(dir, "fuzz.hsm"), raw, fmt.Sprintf("%x at %d", patch, at))
	})
}
