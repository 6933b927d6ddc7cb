package commands

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// tamperVariable names the environment variable that says how many bytes of
// each file are tried, or "all". Without it a small sample is.
const tamperVariable = "FILEHSM_TAMPER"

// flipLimit is how long all that is done with one damaged file may take.
const flipLimit = time.Minute

// tamperProgram is this test as a worker: a panic that cannot be recovered
// from, or a hang, ends one process, and the byte that it named last is the
// one that did it.
const tamperProgram = "filehsm-tamper"

// A victim is a file that is damaged in one way after the other, in a worker.
type victim interface {
	// prepare reads the file and finds out what undamaged answers are.
	prepare(*scene)
	// flip damages the file in the way with this number, mostly one bit of
	// that byte; it uses the file, and says what came of it.
	flip(at int) verdict
}

// A verdict is what came of one flip. found says that a command refused it, or
// that image check reported it; wrong is what must never be.
type verdict struct {
	found bool
	wrong string
}

// victims by the name that a worker is given.
var victims = map[string]func() victim{
	"image":    func() victim { return new(imageVictim) },
	"pages":    func() victim { return new(pagesVictim) },
	"length":   func() victim { return new(lengthVictim) },
	"manifest": func() victim { return &backupVictim{suffix: manifestSuffix} },
	"backup":   func() victim { return &backupVictim{suffix: ageSuffix} },
}

// bitFlipped is b with one bit of one byte flipped: the least that can happen.
func bitFlipped(b []byte, at int) []byte {
	b = append([]byte(nil), b...)
	b[at] ^= 1 << (at % 8)
	return b
}

// A flipRun is which bytes are tried: each step-th from the first on.
type flipRun struct{ first, step, size int }

// newFlipRun is a sample of so many bytes, unless the environment asks for
// another. Its step is odd, so that it meets every place in a page and every
// bit.
func newFlipRun(size, sample int) flipRun {
	asked := os.Getenv(tamperVariable)
	if n, err := strconv.Atoi(asked); err == nil {
		sample = n
	}
	if asked == "all" || size < 2*sample {
		return flipRun{0, 1, size}
	}
	step := size/sample | 1
	return flipRun{step / 2, step, size}
}

func (r flipRun) count() int { return (r.size - r.first + r.step - 1) / r.step }

// tamper has workers flip the bytes of a scene's victim. It returns the places
// where nothing was found.
func (s *scene) tamper(name string, r flipRun, workers int) (unnoticed []int) {
	s.t.Helper()
	var one sync.Mutex
	var wait sync.WaitGroup
	done := 0
	for i := range workers {
		wait.Go(func() {
			s.worker(name, i, flipRun{r.first + i*r.step, r.step * workers, r.size}, func(at int, v verdict) {
				one.Lock()
				defer one.Unlock()
				done++
				if v.wrong != "" {
					s.t.Errorf("%s, %#x: %s", name, at, v.wrong)
				} else if !v.found {
					unnoticed = append(unnoticed, at)
				}
			})
		})
	}
	wait.Wait()
	s.t.Logf("%s: %d of %d damages done, %d found", name, done, r.size, done-len(unnoticed))
	if done != r.count() {
		s.t.Errorf("%s: %d were to be done", name, r.count())
	}
	return unnoticed
}

// worker runs one worker to its end, and names the byte that it ended at
// before that.
func (s *scene) worker(name string, i int, r flipRun, each func(at int, v verdict)) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	cmd := exec.CommandContext(ctx, tamperProgram, name, s.dir, fmt.Sprint(i), fmt.Sprint(r.first), fmt.Sprint(r.step), fmt.Sprint(r.size))
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGQUIT) } // which shows where it is
	cmd.WaitDelay = time.Second
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		s.t.Error(err)
		return
	}
	alarm := time.AfterFunc(flipLimit, cancel)
	defer alarm.Stop()
	at := r.first
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		alarm.Reset(flipLimit)
		word, rest, _ := strings.Cut(lines.Text(), " ")
		if word == "at" {
			at, _ = strconv.Atoi(rest)
			continue
		}
		wrong, _ := strconv.Unquote(rest)
		each(at, verdict{word == "found", wrong})
	}
	if err := cmd.Wait(); ctx.Err() != nil {
		s.t.Errorf("%s, %#x: it hangs\n%.8000s", name, at, errs.String())
	} else if err != nil {
		s.t.Errorf("%s, %#x: %v\n%.4000s", name, at, err, errs.String())
	}
}

// runTamper is a worker: NAME DIR NUMBER FIRST STEP SIZE. Before each flip it
// says where, and afterwards what came of it.
func runTamper() {
	leaveTerminal()
	debug.SetGCPercent(400) // so little lives on that it would be collected sixty times a second
	var n [4]int
	for i := range n {
		n[i], _ = strconv.Atoi(os.Args[3+i])
	}
	s := workerScene(os.Args[2], n[0])
	v := victims[os.Args[1]]()
	v.prepare(s)
	for at := n[1]; at < n[3]; at += n[2] {
		fmt.Println("at", at)
		got := v.flip(at)
		switch {
		case got.wrong != "":
			fmt.Println("wrong", strconv.Quote(got.wrong))
		case got.found:
			fmt.Println("found")
		default:
			fmt.Println("nothing")
		}
	}
}

// workerScene is a scene in which the image, the session and what commands
// leave behind are a worker's own. Whatever fails in it is a panic: there is
// no test to tell.
func workerScene(dir string, i int) *scene {
	own := sceneIn(dir)
	for name, at := range map[string]string{"FILEHSM_IMAGE": "prod.hsm", "FILEHSM_SESSION": "session", "XDG_STATE_HOME": "state", "TMPDIR": "tmp"} {
		own.env[name] = own.path(fmt.Sprintf("worker-%d/%s", i, at))
	}
	must0(os.MkdirAll(own.env["TMPDIR"], 0o700))
	return own
}

func must0(err error) {
	if err != nil {
		panic(err)
	}
}

// TestTamper: one bit of any byte of an image, of a manifest or of a backup
// flipped, two pages of an image exchanged, an image cut short or made longer.
// What uses it refuses, or image check reports it, or nothing reads it; no
// answer is another one without an error, nothing crashes and nothing hangs.
func TestTamper(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: short")
	}
	for name, run := range map[string]func(*testing.T){
		"image": tamperImage, "pages": tamperPages, "length": tamperLength, "manifest": tamperManifest, "backup": tamperBackup,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t)
		})
	}
}
