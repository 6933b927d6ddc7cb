package main

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/argon2"
)

// cost is what one command took.
type cost struct {
	time   time.Duration
	cpu    time.Duration // on all cores; what a busy machine does not lengthen much
	memory int64         // largest resident set, in bytes
}

// run runs a command and times it.
func run(dir string, env []string, name string, args ...string) cost {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var out bytes.Buffer
	cmd.Stderr = &out
	began := time.Now()
	err := cmd.Run()
	took := time.Since(began)
	must(err, name+" "+args[0], out.Bytes())
	state := cmd.ProcessState
	return cost{took, state.UserTime() + state.SystemTime(), state.SysUsage().(*syscall.Rusage).Maxrss * 1024}
}

// output runs a command for what it prints.
func output(dir string, env []string, name string, args ...string) []byte {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env, cmd.Stderr = dir, append(os.Environ(), env...), os.Stderr
	out, err := cmd.Output()
	must(err, name, out)
	return out
}

// alone runs one of inItsOwnProcess.
func alone(args ...string) cost {
	self, err := os.Executable()
	must(err, "bench", nil)
	out := output(".", nil, self, args...)
	ms, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	must(err, args[0], out)
	return cost{time: time.Duration(ms * float64(time.Millisecond))}
}

// self is one of inItsOwnProcess, timed from outside.
func (p *place) self(args ...string) func() cost {
	self, err := os.Executable()
	must(err, "bench", nil)
	return func() cost { return run(p.dir, p.env, self, args...) }
}

// turns measures several things, one after the other, n times. One turn before
// is not counted: it warms the caches.
func turns(n int, things ...func() cost) (all [][]cost) {
	for range n + 1 {
		var turn []cost
		for _, do := range things {
			turn = append(turn, do())
		}
		all = append(all, turn)
	}
	return all[1:]
}

// inTurns is turns, for the median of each thing.
func inTurns(n int, things ...func() cost) (medians []cost) {
	all := turns(n, things...)
	for i := range things {
		var costs []cost
		for _, turn := range all {
			costs = append(costs, turn[i])
		}
		medians = append(medians, median(costs))
	}
	return medians
}

// medianOf is that of one figure of each turn.
func medianOf(all [][]cost, of func(turn []cost) time.Duration) time.Duration {
	var each []cost
	for _, turn := range all {
		each = append(each, cost{time: of(turn)})
	}
	return median(each).time
}

func median(all []cost) (m cost) {
	var times, cpus []time.Duration
	for _, c := range all {
		times, cpus = append(times, c.time), append(cpus, c.cpu)
		m.memory = max(m.memory, c.memory)
	}
	slices.Sort(times)
	slices.Sort(cpus)
	m.time, m.cpu = times[len(times)/2], cpus[len(cpus)/2]
	return m
}

// derive is the KDF of a login in a process of its own, as a login has it: its
// 64 MiB are fresh memory each time.
func derive([]string) time.Duration {
	argon2.IDKey([]byte("seven kettles sing"), make([]byte, 16), 3, 64*1024, 4, 32)
	return 0
}
