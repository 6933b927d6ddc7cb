package main

import (
	"os/exec"
	"strings"
	"testing"
)

// The package that makes passwords cheap and the clock settable is for tests:
// nothing that a user does can reach it, for the program does not link it.
func TestProgramHasNoTestSwitches(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, name := range strings.Fields(string(out)) {
		if strings.HasSuffix(name, "/hsmtest") || name == "testing" {
			t.Errorf("the program links %s", name)
		}
	}
}
