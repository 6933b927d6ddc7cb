package filestore

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"filehsm/hsmfile/internal/store"

	"go.etcd.io/bbolt"
)

// powerVariable names the environment variable with the number of machines that
// TestPower tries.
const powerVariable = "FILEHSM_POWER"

// A machine has an image in its cache, which is what processes read, and on its
// disk, which is what a loss of power leaves. Page by page one comes to the other:
// in the background, by a sync, or never.
type machine struct {
	t      *testing.T
	random *rand.Rand
	path   string // the cache
	disk   []byte
	dirty  map[int64]bool // pages of the cache that are to come to the disk
	stays  bool           // what a failed sync did not bring there stays in the cache

	can  []map[string]string // the records that there may be; one, if that was confirmed
	log  []string            // what happened
	size int                 // of a value, in bytes
}

// TestPower lets many things happen to many images, in any order: commits of
// several processes, alone and in a row, killed at a call or with a sync that
// fails, scrubs, and losses of power. After each the image is whole, and its
// records are those that were confirmed last, or those of a commit since then that
// was not.
func TestPower(t *testing.T) {
	machines := 6
	if given := os.Getenv(powerVariable); given != "" {
		var err error
		if machines, err = strconv.Atoi(given); err != nil {
			t.Fatal(err)
		}
	}
	for seed := range uint64(machines) {
		m := newMachine(t, seed)
		for range 60 {
			m.step()
			if t.Failed() {
				t.Fatalf("machine %d: %s", seed, strings.Join(m.log, "\n"))
			}
		}
	}
}

func newMachine(t *testing.T, seed uint64) *machine {
	m := &machine{t: t, random: rand.New(rand.NewPCG(seed, 1)), path: filepath.Join(fastDir(t), "power.hsm"), dirty: map[int64]bool{}, size: 300}
	var err error
	switch seed % 4 {
	case 0:
		err = Create(t.Context(), m.path, func(store.Writer) error { return nil })
	case 1:
		err = Create(t.Context(), m.path, func(w store.Writer) error { return putMany(w, 3000, plainValue) })
	case 2:
		m.size = 20 * pageSize
		err = Create(t.Context(), m.path, func(w store.Writer) error { return putMany(w, 200, plainValue) })
	case 3:
		err = boltImage(m.path)
	}
	if err == nil {
		m.disk, err = os.ReadFile(m.path)
	}
	if err != nil {
		t.Fatal(err)
	}
	m.can = []map[string]string{m.records()}
	return m
}

// boltImage is one that bbolt wrote, in several commits.
func boltImage(path string) error {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{PageSize: pageSize})
	if err != nil {
		return err
	}
	for i := range 300 {
		err = errors.Join(err, db.Update(func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists([]byte(bucketName))
			if err != nil {
				return err
			}
			return errors.Join(b.Put([]byte(fillerKey), fillerValue), b.Put(fmt.Appendf(nil, "k/%05d", i*7%300), plainValue(i)))
		}))
	}
	return errors.Join(err, db.Close())
}

// records are what a process reads, of an image that is whole.
func (m *machine) records() map[string]string {
	m.t.Helper()
	s, all := mustOpen(m.t, m.path), map[string]string{}
	err := s.Check(m.t.Context())
	if err == nil {
		err = s.View(m.t.Context(), func(r store.Reader) error {
			return r.Scan("", "", func(key string, value []byte) error { all[key] = string(value); return nil })
		})
	}
	if err != nil {
		m.t.Error(err)
	}
	return all
}

// look reads the records, and finds them among those that there may be.
func (m *machine) look() map[string]string {
	m.t.Helper()
	got := m.records()
	for _, can := range m.can {
		if maps.Equal(can, got) {
			return got
		}
	}
	m.t.Errorf("there are %d records, none of the %d sets that there may be", len(got), len(m.can))
	return got
}

func (m *machine) step() {
	switch now := m.look(); m.random.IntN(8) {
	case 0:
		m.losePower()
	case 1:
		m.toDisk(func() bool { return m.random.IntN(3) == 0 })
	case 2:
		m.scrub(now)
	default:
		m.commits(now)
	}
}

// toDisk brings some dirty pages to the disk.
func (m *machine) toDisk(which func() bool) {
	raw := m.cache()
	for p := range m.dirty {
		if which() {
			end := min(int(p+1)*pageSize, len(raw))
			m.disk = append(m.disk, make([]byte, max(0, end-len(m.disk)))...)
			copy(m.disk[p*pageSize:end], raw[p*pageSize:end])
			delete(m.dirty, p)
		}
	}
}

func (m *machine) cache() []byte {
	raw, err := os.ReadFile(m.path)
	if err != nil {
		m.t.Fatal(err)
	}
	return raw
}

// losePower leaves of the dirty pages all, none or some. What is read then is on
// the disk, so it stays.
func (m *machine) losePower() {
	some := m.random.IntN(3)
	m.toDisk(func() bool { return some == 1 || some == 2 && m.random.IntN(2) == 0 })
	if err := os.WriteFile(m.path, m.disk, 0o600); err != nil {
		m.t.Fatal(err)
	}
	m.dirty = map[int64]bool{}
	m.log = append(m.log, "power lost")
	m.can = []map[string]string{m.look()}
}

// scrub is one that is killed before its last sync, or not.
func (m *machine) scrub(now map[string]string) {
	err := mustOpen(m.t, m.path).session(m.t.Context(), true, func(h *session) error {
		if err := m.commit(h, []change{{key: fillerKey, value: fillerValue}}, -1, -1); err != nil {
			return err
		}
		used, err := h.usedByEither()
		if err != nil {
			return err
		}
		for p := range used {
			if !used[p] {
				m.dirty[int64(p)] = true
			}
		}
		return wipeUnused(h.file, used, h.is.size)
	})
	if err != nil {
		m.t.Errorf("scrub: %v", err)
	}
	m.can = []map[string]string{now}
	m.log = append(m.log, "scrubbed")
	if m.random.IntN(2) == 0 {
		m.toDisk(func() bool { return true })
	}
}

// commits are one process's, in one Hold.
func (m *machine) commits(now map[string]string) {
	_ = mustOpen(m.t, m.path).session(m.t.Context(), true, func(h *session) error {
		for left := 1 + m.random.IntN(3); left > 0; left-- {
			kill, fail := -1, -1
			switch m.random.IntN(4) {
			case 0:
				kill = m.random.IntN(7)
			case 1:
				fail = m.random.IntN(2)
			}
			if m.stays { // nobody but this process knows, so it must get one through
				kill, fail = -1, -1
			}
			m.stays = fail >= 0 && m.random.IntN(2) == 0
			if m.stays {
				left++
			}
			next, changes := m.changes(now)
			err := m.commit(h, changes, kill, fail)
			m.log = append(m.log, fmt.Sprintf("%d changes, killed at call %d, sync %d fails: %v", len(changes), kill, fail, err))
			switch {
			case err == nil:
				now, m.can = next, []map[string]string{next}
			case errors.Is(err, errKilled):
				m.can = append(m.can, next)
				return err
			default: // the same process goes on with what it reads
				m.can = append(m.can, next)
				now = map[string]string{}
				if err := h.View(m.t.Context(), func(r store.Reader) error {
					return r.Scan("", "", func(key string, value []byte) error { now[key] = string(value); return nil })
				}); err != nil {
					m.t.Error(err)
					return err
				}
			}
		}
		return nil
	})
}

// changes are any, and the records after them.
func (m *machine) changes(now map[string]string) (map[string]string, []change) {
	count := 1 + m.random.IntN(4)
	if m.random.IntN(12) == 0 {
		count = 400
	}
	next, by := maps.Clone(now), map[string]change{}
	for range count {
		key := fmt.Sprintf("k/%05d", m.random.IntN(400))
		if _, there := next[key]; there && m.random.IntN(3) == 0 {
			delete(next, key)
			by[key] = change{key: key}
		} else {
			value := strings.Repeat(string(rune('a'+m.random.IntN(26))), 1+m.random.IntN(m.size))
			next[key] = value
			by[key] = change{key: key, value: []byte(value)}
		}
	}
	w := &writer{strays: by}
	for key, c := range by { // put and deleted again, or deleted and nothing was there
		if _, was := now[key]; c.value == nil && !was {
			delete(by, key)
		}
	}
	if len(by) == 0 {
		return now, []change{{key: fillerKey, value: fillerValue}}
	}
	return next, w.sorted()
}

// commit is session.commit on the machine's disk.
func (m *machine) commit(h *session, changes []change, kill, fail int) error {
	t, err := h.tree()
	if err != nil {
		return err
	}
	defer t.drop()
	h.known = false
	next, err := commit(&power{machine: m, file: h.file, kill: kill, fail: fail}, t, changes, new(scratch))
	h.of.unsure.Store(err != nil)
	if err == nil {
		h.rememberLaid(next)
	}
	return err
}

// power is the file of one commit.
type power struct {
	*machine
	file         *os.File
	kill, fail   int // at which call, which sync; -1: none
	calls, syncs int
}

var errKilled = errors.New("killed")

// WriteAt writes whole pages, and some of them if it is killed.
func (p *power) WriteAt(b []byte, at int64) (int, error) {
	n := len(b)
	killed := p.calls == p.kill
	if killed {
		n = p.random.IntN(len(b)/pageSize+1) * pageSize
	}
	p.calls++
	for i := at / pageSize; i*pageSize < at+int64(n); i++ {
		p.dirty[i] = true
	}
	if _, err := p.file.WriteAt(b[:n], at); err != nil || !killed {
		return n, err
	}
	return n, errKilled
}

// Sync that fails brings some pages to the disk, and the others never: they are
// clean, and as datasync drops the cache, gone; or they stay in it, and nobody but
// the process itself knows.
func (p *power) Sync() error {
	if p.calls == p.kill {
		p.toDisk(func() bool { return p.random.IntN(3) == 0 })
		return errKilled
	}
	p.calls++
	p.syncs++
	if p.syncs-1 != p.fail {
		p.toDisk(func() bool { return true })
		return nil
	}
	p.toDisk(func() bool { return p.random.IntN(2) == 0 })
	for i := range p.dirty {
		if p.stays {
			break
		}
		page := make([]byte, pageSize)
		if from := min(int(i)*pageSize, len(p.disk)); from < len(p.disk) {
			copy(page, p.disk[from:])
		}
		if _, err := p.file.WriteAt(page, i*pageSize); err != nil {
			return err
		}
	}
	p.dirty = map[int64]bool{}
	return errors.New("a sync fails")
}
