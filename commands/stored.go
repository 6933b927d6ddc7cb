package commands

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"filehsm/hsmfile"
	"filehsm/vault"
)

// The two files of a backup in a vault, after its id. Without its manifest an
// age file is no backup: the manifest is written last.
const (
	ageSuffix      = ".age"
	manifestSuffix = ".json"
)

// maxManifestFile is more than a manifest can have.
const maxManifestFile = 128 << 10

// stored is one backup in a vault.
type stored struct {
	place    *place
	id       string
	serial   string
	created  time.Time
	size     int64             // of the age file; -1 if there is none
	manifest *hsmfile.Manifest // nil if it cannot be read
	problem  error             // what is wrong with it, as far as anybody looked
	unknown  bool              // nothing is, but nobody here knows its signer
}

// backups lists what a vault holds, newest first, without reading it. The
// names tell the order, so that a damaged manifest keeps its place.
func (p *place) backups(ctx context.Context) ([]stored, error) {
	files, err := within(ctx, lookLimit, p.vault.List)
	if err != nil {
		return nil, p.refused(err)
	}
	sizes := map[string]int64{}
	for _, f := range files {
		sizes[f.Name] = f.Size
	}
	p.alone = agesAlone(sizes)
	var all []stored
	for _, f := range files {
		id, isManifest := strings.CutSuffix(f.Name, manifestSuffix)
		serial, created, ok := hsmfile.ParseBackupID(id)
		if !isManifest || !ok {
			continue
		}
		s := stored{place: p, id: id, serial: serial, created: created, size: -1}
		if size, ok := sizes[id+ageSuffix]; ok {
			s.size = size
		}
		all = append(all, s)
	}
	sortNewestFirst(all)
	return all, nil
}

// agesAlone are the age files of backups whose manifest is not there.
func agesAlone(files map[string]int64) (names []string) {
	for name := range files {
		id, isAge := strings.CutSuffix(name, ageSuffix)
		_, _, ok := hsmfile.ParseBackupID(id)
		if _, hasManifest := files[id+manifestSuffix]; isAge && ok && !hasManifest {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// warnAlone tells of age files that are no backups: a put that was killed
// leaves one, and so does whoever loses a manifest.
func (c *call) warnAlone(places []*place) {
	for _, p := range places {
		for _, name := range p.alone {
			c.Warn("%s: %s is no backup, its manifest %s is missing: it was not finished, or the manifest is lost",
				p.what(), name, strings.TrimSuffix(name, ageSuffix)+manifestSuffix)
		}
	}
}

func sortNewestFirst(all []stored) {
	slices.SortStableFunc(all, func(a, b stored) int {
		return cmp.Or(b.created.Compare(a.created), cmp.Compare(b.id, a.id))
	})
}

// read reads the manifest and compares it with its name and the age file's
// size. An error is that of a vault that does not answer; whatever is wrong
// with the backup is its problem.
func (s *stored) read(ctx context.Context) error {
	text, err := within(ctx, lookLimit, func(ctx context.Context) ([]byte, error) {
		r, err := s.place.vault.Open(ctx, s.id+manifestSuffix)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return io.ReadAll(io.LimitReader(r, maxManifestFile))
	})
	if errors.Is(err, errNoAnswer) || errors.Is(err, context.Canceled) {
		return s.place.refused(err)
	}
	if err == nil {
		s.manifest, err = hsmfile.ParseManifest(text)
	}
	switch {
	case err != nil:
		s.problem = about("backup "+s.id, "", err)
	case s.manifest.ID != s.id:
		s.manifest, s.problem = nil, s.broken("its manifest is that of %s", s.manifest.ID)
	case s.size < 0:
		s.problem = s.broken("its age file is missing")
	case s.size != s.manifest.Size:
		s.problem = s.broken("the age file is truncated or altered: it has %d bytes, not %d", s.size, s.manifest.Size)
	}
	return nil
}

func (s *stored) broken(format string, args ...any) error {
	return refusal(hsmfile.ErrIntegrity, "take another backup, or the same from another vault: filehsm backup list",
		"backup %s: %s", s.id, fmt.Sprintf(format, args...))
}

// readAll reads all backups of the places that can be used; a place that
// cannot is left with its error.
func readAll(ctx context.Context, places []*place) (all []stored) {
	for _, p := range places {
		if p.err != nil {
			continue
		}
		of, err := p.backups(ctx)
		for i := range of {
			if err == nil {
				err = of[i].read(ctx)
			}
		}
		if err != nil {
			p.err = err
			continue
		}
		all = append(all, of...)
	}
	sortNewestFirst(all)
	return all
}

// newest is a vault's newest backup of an image whose manifest can be read and
// believed; nil if there is none. What is passed over is told.
func (c *call) newest(p *place, im *hsmfile.Image) (*stored, error) {
	all, err := p.backups(c.ctx)
	if err != nil {
		return nil, err
	}
	for i := range all {
		s := &all[i]
		if s.serial != im.Info().Serial {
			continue
		}
		if err := s.read(c.ctx); err != nil {
			return nil, err
		}
		if errors.Is(s.problem, hsmfile.ErrState) { // a newer version's: it may know better than we do
			return nil, about(p.what(), "", s.problem)
		}
		why := s.problem
		if s.manifest != nil {
			if why, err = im.BelieveManifest(c.ctx, s.manifest); err != nil {
				return nil, err
			}
			if why == nil {
				return s, nil
			}
		}
		c.Warn("%s: %v", p.what(), why)
	}
	return nil, nil
}

// open opens the age file; reading it ends with ctx, whatever the vault does.
func (s *stored) open(ctx context.Context) (io.ReadCloser, error) {
	r, err := within(ctx, lookLimit, func(context.Context) (io.ReadCloser, error) {
		return s.place.vault.Open(ctx, s.id+ageSuffix) // the stream outlives the look
	})
	if errors.Is(err, vault.ErrNotFound) {
		return nil, s.broken("its age file is missing")
	}
	if err != nil {
		return nil, s.place.refused(err)
	}
	return struct {
		io.Reader
		io.Closer
	}{&untilDone{ctx: ctx, in: r}, r}, nil
}
