package commands

import (
	"filehsm/hsmfile"
)

func auditNoun() noun {
	return noun{
		name:   "audit",
		usage:  "the record of everything that was done",
		leaves: []leaf{auditLogLeaf(), auditVerifyLeaf()},
	}
}

// findingObjects are findings in JSON.
func findingObjects(all []hsmfile.Finding) []object {
	out := []object{}
	for _, f := range all {
		out = append(out, object{{"record", f.Record}, {"problem", f.Problem}})
	}
	return out
}

// findingGrid shows findings to eyes.
func findingGrid(all []hsmfile.Finding) grid {
	table := grid{columns: []string{"record", "problem"}}
	for _, f := range all {
		table.rows = append(table.rows, []string{f.Record, f.Problem})
	}
	return table
}

// foundError is the error of a command that found something, nil if it did
// not. All of it is in the result.
func foundError(im *hsmfile.Image, all []hsmfile.Finding) error {
	if len(all) == 0 {
		return nil
	}
	return refusal(hsmfile.ErrIntegrity, "keep the file as it is, and restore the newest backup at another path: filehsm backup restore --image NEW.hsm --from DIR --identity FILE",
		"%s: %s, the first: %s: %s", im.Path(), counted(len(all), "finding"), all[0].Record, all[0].Problem)
}
