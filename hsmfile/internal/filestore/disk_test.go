package filestore

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"filehsm/hsmfile/internal/store"
)

func dirOf(s *Store) string { return filepath.Dir(s.path) }

// TestNoRoom makes the system refuse to lengthen files. Room for a small change
// is where those before the last one were.
func TestNoRoom(t *testing.T) {
	if !alone(t) {
		return
	}
	s := newStore(t, func(w store.Writer) error { return putMany(w, 300, plainValue) })
	for i := range 3 {
		mustUpdate(t, s, put("k/00000", fmt.Sprint(i)))
	}
	before := allRecords(t, s)
	tooMuch := func(w store.Writer) error { return w.Put("big", make([]byte, store.MaxValue)) }
	restore := limitFiles(t, uint64(len(rawImage(t, s))))
	err := s.Update(t.Context(), tooMuch)
	if !errors.Is(err, syscall.EFBIG) || errors.Is(err, store.ErrDamaged) {
		t.Errorf("Update = %v, want EFBIG", err)
	}
	err = s.Hold(t.Context(), func(held store.Transactor) error {
		if err := held.Update(t.Context(), tooMuch); !errors.Is(err, syscall.EFBIG) {
			t.Errorf("Update in a Hold = %v, want EFBIG", err)
		}
		return held.Update(t.Context(), func(w store.Writer) error { return w.Delete("k/00000") })
	})
	if err != nil {
		t.Errorf("a small change after one that did not fit: %v", err)
	}
	restore()
	mustCheck(t, s)
	if got := allRecords(t, s); len(before)-len(got) != len("\"k/00000\"=2d\n") {
		t.Errorf("records went from %d to %d bytes", len(before), len(got))
	}
	mustUpdate(t, s, tooMuch)
	mustScrub(t, s)
}

// aloneVariable, set to a test's name, makes the test binary run that test's body.
const aloneVariable = "FILESTORE_TEST_ALONE"

// alone runs the test again in a process that does nothing else, and is true in
// that process.
func alone(t *testing.T) bool {
	t.Helper()
	if os.Getenv(aloneVariable) == t.Name() {
		return true
	}
	command := exec.Command(os.Args[0], "-test.v", "-test.run=^"+t.Name()+"$")
	command.Env = append(os.Environ(), aloneVariable+"="+t.Name())
	out, err := command.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name()+" ")) {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

// limitFiles bounds the size of the files that this process may write, until
// restore is called. The test must be alone: what go test itself writes from a
// test's process, the list of the files it opened, is bounded as well.
func limitFiles(t *testing.T, size uint64) (restore func()) {
	t.Helper()
	if os.Getenv(aloneVariable) != t.Name() {
		t.Fatal("limitFiles in a process that is not the test's own")
	}
	signal.Ignore(syscall.SIGXFSZ)
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: was.Max}); err != nil {
		t.Fatal(err)
	}
	restore = func() { _ = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was) }
	t.Cleanup(restore)
	return restore
}

// killVariable, set, makes the test binary the victim of TestKilled.
const killVariable = "FILESTORE_TEST_VICTIM"

// TestKilled kills a writing and scrubbing process again and again. What it
// leaves must be whole: all records of one generation. Every other time it has
// made a commit before, so that on a slow disk there is progress, too.
func TestKilled(t *testing.T) {
	if path := os.Getenv(killVariable); path != "" {
		victim(t, mustOpen(t, path))
		return
	}
	s := newStore(t, func(w store.Writer) error { return writeGeneration(w, 0) })
	reached := 0
	for i := range 15 {
		killOne(t, s.path, 1+i%2)
		mustCheck(t, s)
		reached = checkGeneration(t, s, reached+i%2)
	}
	mustScrub(t, s)
	t.Logf("reached generation %d", reached)
}

// victim prints a line before its first commit, and one after it.
func victim(t *testing.T, s *Store) {
	fmt.Println("begun")
	for n := 0; ; n++ {
		mustUpdate(t, s, func(w store.Writer) error {
			value, err := w.Get("g/0")
			if err != nil {
				return err
			}
			return writeGeneration(w, 1+int(order.Uint64(value)))
		})
		if n == 0 {
			fmt.Println("durable")
		}
		mustScrub(t, s)
	}
}

// writeGeneration stores records whose number and sizes change with n, and
// which all begin with n.
func writeGeneration(w store.Writer, n int) error {
	for i := range 40 {
		value := append(order.AppendUint64(nil, uint64(n)), make([]byte, (n*i*31)%5000)...)
		if err := w.Put(fmt.Sprintf("g/%d", i), value); err != nil {
			return err
		}
		if err := w.Delete(fmt.Sprintf("h/%d/%d", n-1, i)); err != nil {
			return err
		}
		if err := w.Put(fmt.Sprintf("h/%d/%d", n, i), value); err != nil {
			return err
		}
	}
	return nil
}

// killOne kills a victim some time after it has printed so many lines.
func killOne(t *testing.T, path string, lines int) {
	t.Helper()
	command := exec.Command(os.Args[0], "-test.run=^TestKilled$")
	command.Env = append(os.Environ(), killVariable+"="+path)
	out, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	for in := bufio.NewReader(out); lines > 0; lines-- {
		if _, err := in.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond)
	_ = command.Process.Kill()
	_ = command.Wait()
}

func checkGeneration(t *testing.T, s *Store, atLeast int) (n int) {
	t.Helper()
	count := 0
	err := s.View(t.Context(), func(r store.Reader) error {
		value, err := r.Get("g/0")
		if err != nil {
			return err
		}
		n = int(order.Uint64(value))
		return r.Scan("", "", func(key string, value []byte) error {
			count++
			if got := int(order.Uint64(value)); got != n {
				t.Errorf("%q is of generation %d, others of %d", key, got, n)
			}
			return nil
		})
	})
	if err != nil || n < atLeast || count != 80 {
		t.Fatalf("generation %d of %d records after %d (%v)", n, count, atLeast, err)
	}
	return n
}
