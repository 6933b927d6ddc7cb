package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// A test is a Go program, too: its bill lists the standard library, and is
// the same every time.
func TestOfThisProgram(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var texts [2]string
	for i := range texts {
		out := filepath.Join(t.TempDir(), "bom.json")
		if err := run(self, "1.0.0+x", out); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = string(b)
	}
	if texts[0] != texts[1] {
		t.Error("two bills of one program differ")
	}
	var got bom
	if err := json.Unmarshal([]byte(texts[0]), &got); err != nil {
		t.Fatal(err)
	}
	if c := got.Metadata.Component; c.Name != "filehsm" || c.PURL != "pkg:golang/filehsm@1.0.0%2Bx" {
		t.Errorf("the program is %+v", c)
	}
	if len(got.Components) == 0 || got.Components[0].Name != "std" || got.Components[0].Version == "" {
		t.Errorf("the components are %+v", got.Components)
	}
}

func TestOfNoProgram(t *testing.T) {
	out := filepath.Join(t.TempDir(), "bom.json")
	if err := run("main.go", "1", out); err == nil {
		t.Error("a source file has a bill")
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a failure left a file behind")
	}
}
