package commands

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"filehsm/hsmfile"
)

func countFlag(what string) flag {
	return numberFlag("count", "N", "make N "+what+", up to 1000000: labels get -000001 and so on; in JSON data.keys (data.key_pairs) lists them, then key_count")
}

// checkCount finds a mistake before anybody is asked for a password.
func (c *call) checkCount() error {
	if n := c.NumberOr("count", 1); n < 1 || n > hsmfile.MaxCount {
		return usageError(fmt.Sprintf("it is 1 to %d", hsmfile.MaxCount), "invalid --count %d", n)
	}
	return nil
}

// manyMaker makes many keys, or many key pairs.
type manyMaker struct {
	what    string // what one of them is
	key     string // their array in JSON
	objects int    // of one: a pair is its private key and its public one
	item    func([]*hsmfile.Key) any
	labels  []string // what the labels begin with
	run     func(context.Context, hsmfile.Many) (int, error)
}

func keysMaker(spec hsmfile.SymmetricSpec, s *hsmfile.Session) manyMaker {
	return manyMaker{
		what: "key", key: "keys", objects: 1, labels: []string{spec.Label},
		item: func(k []*hsmfile.Key) any { return briefKey(k[0]) },
		run: func(ctx context.Context, m hsmfile.Many) (int, error) {
			return s.GenerateManySymmetric(ctx, spec, m)
		},
	}
}

func pairsMaker(spec hsmfile.PairSpec, s *hsmfile.Session) manyMaker {
	return manyMaker{
		what: "key pair", key: "key_pairs", objects: 2, labels: []string{spec.PrivateLabel, spec.PublicLabel},
		item: func(k []*hsmfile.Key) any {
			return object{{"public_key", briefKey(k[1])}, {"private_key", briefKey(k[0])}}
		},
		run: func(ctx context.Context, m hsmfile.Many) (int, error) {
			return s.GenerateManyPairs(ctx, spec, m)
		},
	}
}

// many makes as many as --count says. For eyes they are too many to look at;
// for programs they are listed while they are made.
func (c *call) many(s *hsmfile.Session, m manyMaker) (*Result, error) {
	count := c.NumberOr("count", 1)
	if c.JSON() {
		tail := func() []member { return []member{{"key_count", count}, {"image", s.Image().Path()}} }
		return &Result{List: &list{key: m.key, rows: c.manyRows(m, count), tail: tail}}, nil
	}
	var first *hsmfile.Key
	err := c.make(m, count, func(keys []*hsmfile.Key) error {
		if first == nil {
			first = keys[0]
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &Result{View: m.facts(first, count, s.Image()), Next: c.nextAfterKeys(s.Image())}, nil
}

func (m manyMaker) facts(first *hsmfile.Key, count int, im *hsmfile.Image) facts {
	all := facts{{"made", counted(count, m.what)}}
	for _, l := range slices.Compact(m.labels) {
		if count == 1 {
			all = append(all, fact{"label", l + "-000001"})
		} else {
			all = append(all, fact{"labels", fmt.Sprintf("%s-000001 to %s-%06d", l, l, count)})
		}
	}
	all = append(all, fact{"each", keySort(first.Attributes)}, fact{"can", can(first.Attributes)})
	return append(all, sharedAt(first, im)...)
}

func (c *call) manyRows(m manyMaker, count int) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		err := c.make(m, count, func(keys []*hsmfile.Key) error {
			for of := range slices.Chunk(keys, m.objects) {
				if !yield(row{item: m.item(of)}, nil) {
					return errNoMore
				}
			}
			return nil
		})
		if err != nil && !errors.Is(err, errNoMore) {
			yield(row{}, err)
		}
	}
}

// make shows how far it is. Ctrl-C ends it, and what was made until then stays.
func (c *call) make(m manyMaker, count int, stored func([]*hsmfile.Key) error) error {
	bar := c.newProgress(m.what+"s", count)
	defer bar.clear()
	_, err := m.run(c.ctx, hsmfile.Many{Count: count, Stored: func(keys []*hsmfile.Key) error {
		if bar.done == 0 {
			c.warnUseless(keys[0])
		}
		bar.add(len(keys) / m.objects)
		return stored(keys)
	}})
	return err
}
