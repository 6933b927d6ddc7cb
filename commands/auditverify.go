package commands

import (
	"fmt"

	"filehsm/hsmfile"
)

func auditVerifyLeaf() leaf {
	return leaf{
		name:    "verify",
		usage:   "check the audit chain, its signatures, and that it continues a vault's newest backup",
		example: "filehsm audit verify\nfilehsm audit verify --all --vault usb",
		flags: []flag{switchFlag("all", "check every signature, not the newest of each user"),
			vaultFlag("the chain must continue this vault's newest backup; may be repeated")},
		run: auditVerify,
	}
}

func auditVerify(c *call) (*Result, error) {
	im, err := c.openImage()
	if err != nil {
		return nil, err
	}
	newest, err := c.newestOfVaults(im)
	if err != nil {
		return nil, err
	}
	var manifests []*hsmfile.Manifest
	compared := []object{}
	for _, s := range newest {
		manifests = append(manifests, s.manifest)
		compared = append(compared, object{{"name", s.place.info.Name}, {"backup", s.id}})
	}
	report, err := im.AuditVerify(c.ctx, hsmfile.AuditVerifyOptions{All: c.Switch("all"), Manifests: manifests})
	if err != nil {
		return nil, err
	}
	data := object{{"image", im.Path()}, {"entries", report.Entries}, {"signatures", report.Signatures}, {"unsigned", report.Unsigned},
		{"head", report.Head}, {"vaults", compared}, {"findings", findingObjects(report.Findings)}}
	return &Result{Data: data, View: auditView(im, report, newest, c.Given("vault"))}, foundError(im, report.Findings)
}

// newestOfVaults are the newest backups in the vaults that --vault names.
func (c *call) newestOfVaults(im *hsmfile.Image) ([]*stored, error) {
	if !c.Given("vault") {
		return nil, nil
	}
	infos, err := c.vaultsOf(im)
	if err != nil {
		return nil, err
	}
	var all []*stored
	for _, p := range openPlaces(c.ctx, infos, lookLimit) {
		if p.err != nil {
			return nil, p.err
		}
		s, err := c.newest(p, im)
		if err != nil {
			return nil, err
		}
		if s == nil {
			c.Warn("%s has no backup to compare with", p.what())
			continue
		}
		all = append(all, s)
	}
	return all, nil
}

func auditView(im *hsmfile.Image, report *hsmfile.AuditReport, newest []*stored, asked bool) view {
	if len(report.Findings) > 0 {
		return findingGrid(report.Findings)
	}
	text := fmt.Sprintf("%s: the chain of %s is whole; %s hold", im.Path(), entries(report.Entries), counted(report.Signatures, "signature"))
	if report.Signatures == 1 {
		text += "s"
	}
	if report.Unsigned > 0 {
		text += "\n" + unsigned(report.Unsigned)
	}
	for _, s := range newest {
		text += fmt.Sprintf("\nit continues backup %s in %s", s.id, s.place.what())
	}
	if !asked {
		text += "\nno vault was asked whether this is an older copy of the image: --vault NAME"
	}
	return note(text)
}

func entries(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}

func unsigned(n int) string {
	if n == 1 {
		return "the newest entry is not signed yet; the next login signs it"
	}
	return fmt.Sprintf("the newest %d entries are not signed yet; the next login signs them", n)
}
