package commands

import (
	"errors"
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
			flags:   []flag{switchFlag("accept-previous", "where the newest change is damaged, and nothing else, go on with the one before")},
			run:     imageCheck,
		}},
	}
}

// imageCheck finds what lies in the file and should not, or not so; whether
// the whole file is an older copy, only a vault can tell.
func imageCheck(c *call) (*Result, error) {
	im, torn, err := c.openToCheck()
	if err != nil {
		return nil, err
	}
	report, err := im.Check(c.ctx)
	if err != nil {
		return nil, err
	}
	mended := torn && len(report.Findings) == 0
	if mended {
		if err := im.Mend(c.ctx); err != nil {
			return nil, err
		}
		c.Warn("%s: went on with one of its two meta pages; the newest change may be lost, compare it with a vault: filehsm audit verify --vault NAME", im.Path())
	}
	data := object{{"image", im.Path()}, {"records", report.Records}, {"entries", report.Entries}, {"mended", mended}, {"findings", findingObjects(report.Findings)}}
	return &Result{Data: data, View: checkView(im, report)}, foundError(im, report.Findings)
}

// openToCheck opens the image; torn says that it could be opened only with
// --accept-previous. A power cut in the middle of a write looks like that, and
// so does somebody who takes back a change: so it is asked for, and recorded.
func (c *call) openToCheck() (im *hsmfile.Image, torn bool, err error) {
	im, err = c.openImage()
	if !errors.Is(err, hsmfile.ErrIntegrity) {
		return im, false, err
	}
	if !c.Switch("accept-previous") {
		return nil, false, &hsmfile.Error{Text: "the file cannot be read as an image", Err: err,
			Hint: "is this the right file? If a power cut tore its newest change: filehsm image check --accept-previous; else keep it as it is, and restore the newest backup at another path"}
	}
	path, _ := c.Image() // openImage has asked
	o := c.imageOptions()
	o.AcceptPrevious = true
	if im, err = hsmfile.Open(c.ctx, path, o); err == nil {
		c.compareHead(im)
	}
	return im, true, err
}

func checkView(im *hsmfile.Image, report *hsmfile.CheckReport) view {
	if len(report.Findings) > 0 {
		return findingGrid(report.Findings)
	}
	return note(fmt.Sprintf("%s: %s and %s, all as they should be", im.Path(), counted(report.Records, "record"), entries(report.Entries)))
}
