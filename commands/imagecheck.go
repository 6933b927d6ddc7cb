package commands

import (
	"fmt"

	"filehsm/hsmfile"
)

func imageNoun() noun {
	return noun{
		name:  "image",
		usage: "the file itself",
		leaves: []leaf{{
			name:    "check",
			usage:   "look at every page, record and signature in the image",
			example: "filehsm image check",
			run:     imageCheck,
		}},
	}
}

// imageCheck finds what lies in the file and should not, or not so; whether
// the whole file is an older copy, only a vault can tell.
func imageCheck(c *call) (*Result, error) {
	im, err := c.openImage()
	if err != nil {
		return nil, err
	}
	report, err := im.Check(c.ctx)
	if err != nil {
		return nil, err
	}
	data := object{{"image", im.Path()}, {"records", report.Records}, {"entries", report.Entries}, {"findings", findingObjects(report.Findings)}}
	return &Result{Data: data, View: checkView(im, report)}, foundError(im, report.Findings)
}

func checkView(im *hsmfile.Image, report *hsmfile.CheckReport) view {
	if len(report.Findings) > 0 {
		return findingGrid(report.Findings)
	}
	return note(fmt.Sprintf("%s: %s and %s, all as they should be", im.Path(), counted(report.Records, "record"), entries(report.Entries)))
}
