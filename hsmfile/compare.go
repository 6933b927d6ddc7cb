package hsmfile

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"

	"filehsm/hsmfile/internal/chain"
	"filehsm/hsmfile/internal/record"
)

// comparison holds the records of the live set, in ascending order, against
// what the chain says is there, both ways.
type comparison struct {
	want chain.State
	add  func(what, problem string)
	gone []record.Name // what is missing is told last
}

// compare begins a comparison; nil if the chain gives no state.
func (v *view) compare(log *chain.Log, add func(what, problem string)) *comparison {
	want, err := log.State(log.Last().Sequence)
	if err != nil {
		add("audit chain", err.Error())
		return nil
	}
	if keys := countKeyObjects(want); keys != int(log.Last().KeyCount) {
		add("audit chain", fmt.Sprintf("its newest entry says %d keys, and by what was written there are %d", log.Last().KeyCount, keys))
	}
	return &comparison{want: want, add: add}
}

func countKeyObjects(state chain.State) (n int) {
	for _, w := range state {
		if record.Name(w.Name).Kind().KeyObject() {
			n++
		}
	}
	return n
}

// header is compared first: it lies outside the set.
func (c *comparison) header(b []byte) {
	name := []byte(record.HeaderKey())
	switch want := c.want.Hash(record.Name(name)); {
	case b == nil && want != nil:
		c.gone = append(c.gone, record.Name(name))
	case b != nil:
		c.holds(name, want, b)
	}
}

func (c *comparison) record(name, b []byte) {
	for len(c.want) > 0 && bytes.Compare(c.want[0].Name, name) < 0 {
		c.missing()
	}
	var want []byte
	if len(c.want) > 0 && bytes.Equal(c.want[0].Name, name) {
		want, c.want = c.want[0].Hash, c.want[1:]
	}
	c.holds(name, want, b)
}

func (c *comparison) holds(name, want, b []byte) {
	switch sum := sha256.Sum256(b); {
	case want == nil:
		c.add(describeName(record.Name(name)), "it is in no audit entry")
	case !bytes.Equal(want, sum[:]):
		c.add(describeName(record.Name(name)), "it is not what the audit chain says was written there")
	}
}

// end is after the last record.
func (c *comparison) end() {
	for len(c.want) > 0 {
		c.missing()
	}
	for _, name := range c.gone {
		c.add(describeName(name), "it is missing")
	}
}

// missing notes the next one, which is not there.
func (c *comparison) missing() {
	if name := record.Name(c.want[0].Name); string(name) != record.HeaderKey() {
		c.gone = append(c.gone, name)
	}
	c.want = c.want[1:]
}

// checkRecords compares header and live set with the chain, and decodes each
// record; with no chain to compare with, it only decodes. It returns the number
// of records in the set.
func (v *view) checkRecords(log *chain.Log, report *AuditReport) (n int, err error) {
	var malformed []Finding
	decode := func(name, b []byte) {
		if err := decodes(name, b); err != nil {
			malformed = append(malformed, Finding{describeName(record.Name(name)), err.Error()})
		}
	}
	n, err = v.compareState(log, newPacker(), func(what, problem string) { report.add(what, "%s", problem) }, decode)
	report.Findings = append(report.Findings, malformed...)
	return n, err
}

// compareState is a comparison of all there is; no chain, nothing to compare
// with. also, which may be nil, sees each record of the set too, beside it: the
// two share nothing. The records go through p, which may have others behind it.
// It returns their number.
func (v *view) compareState(log *chain.Log, p *packer, add func(what, problem string), also func(name, b []byte)) (n int, err error) {
	var c *comparison
	if log != nil {
		c = v.compare(log, add)
	}
	if c != nil {
		header, err := v.r.Get(record.HeaderKey())
		if err != nil {
			return 0, err
		}
		c.header(header)
	}
	var sees []func(name, b []byte)
	if c != nil {
		sees = append(sees, c.record)
	}
	if also != nil {
		sees = append(sees, also)
	}
	n, err = v.walkSet(p, sees)
	if c != nil && err == nil {
		c.end()
	}
	return n, err
}

// walkSet calls each of sees for each record of the live set, in order, each in
// a goroutine of its own; all are over when it returns. It returns the number of
// records.
func (v *view) walkSet(p *packer, sees []func(name, b []byte)) (n int, err error) {
	if err := p.flush(); err != nil {
		return 0, err
	}
	others := p.to
	defer func() { p.to = others }()
	p.to = slices.Clip(others)
	for _, see := range sees {
		seeing := consume(func(b []byte) error {
			unpack(b, func(key, value []byte) { see(key[len(contentSet):], value) })
			return nil
		})
		defer func() { _ = seeing.Close() }() // seeing does not fail
		p.to = append(p.to, seeing)
	}
	prefix := record.SetPrefix(v.h.Set)
	err = v.r.Walk(prefix, "", func(key, value []byte) error {
		n++
		return p.record(contentSet, key[len(prefix):], value)
	})
	if err == nil {
		err = p.flush()
	}
	return n, err
}
