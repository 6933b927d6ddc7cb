package chain

import (
	"fmt"
	"os"
	"regexp"
	"testing"
)

// TestOpcodesInFormat: FORMAT.md lists every opcode with its number, and no
// other.
func TestOpcodesInFormat(t *testing.T) {
	page, err := os.ReadFile("../../FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]string{}
	for _, row := range regexp.MustCompile("`([0-9a-f]{4})` \\| ((?:CN|FH)_[A-Z_]+)").FindAllStringSubmatch(string(page), -1) {
		listed[row[1]] = row[2]
	}
	if len(listed) != len(names) {
		t.Errorf("%d opcodes are listed, there are %d", len(listed), len(names))
	}
	for op, name := range names {
		if got := listed[fmt.Sprintf("%04x", uint16(op))]; got != name {
			t.Errorf("%04x is %q, and %q in FORMAT.md", uint16(op), name, got)
		}
	}
}
