package commands

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
)

// leakExit is no exit code of the program, so no story can take it for one.
const leakExit = 99

// A leakGuard watches what the program prints in a story: whatever is run, no
// password that the story has in a file may come out again.
type leakGuard struct {
	to   io.Writer
	seen bytes.Buffer
}

func (g *leakGuard) Write(b []byte) (int, error) {
	g.seen.Write(b)
	return g.to.Write(b)
}

// guarded leaves a terminal alone: the program has to see that it is one.
func guarded(to *os.File) (io.Writer, *leakGuard) {
	g := &leakGuard{to: to}
	if isTerminal(to) {
		return to, g
	}
	return g, g
}

// leaked says which password file's content was printed, "" for none. What is
// too short to be a password of anybody may be part of any sentence.
func (g *leakGuard) leaked(files []string) string {
	for _, name := range files {
		text, _ := os.ReadFile(name)
		text = bytes.TrimSpace(text)
		if len(text) >= 8 && bytes.Contains(g.seen.Bytes(), text) {
			return name
		}
	}
	return ""
}

func passwordFiles() []string {
	files, _ := filepath.Glob(filepath.Join(os.Getenv("WORK"), "*.pw"))
	return files
}

func firstLeak(all ...*leakGuard) string {
	for _, g := range all {
		if name := g.leaked(passwordFiles()); name != "" {
			return name
		}
	}
	return ""
}
