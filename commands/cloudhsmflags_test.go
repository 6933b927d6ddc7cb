package commands

import "testing"

// A flag that a command has must not be refused as one that is missing.
func TestCloudHSMFlagsAreNotOurs(t *testing.T) {
	ours := newFlagTable(tree())
	for _, f := range cloudHSMFlags {
		if _, ok := ours[f.flag]; ok {
			t.Errorf("--%s is a flag of some command", f.flag)
		}
		if cloudHSMFlag(f.flag) == nil || f.hint == "" {
			t.Errorf("--%s is not refused with a hint", f.flag)
		}
	}
	if err := cloudHSMFlag("label"); err != nil {
		t.Error(err)
	}
}
