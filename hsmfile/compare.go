package hsmfile

import (
	"bytes"

	"filehsm/hsmfile/internal/chain"
	"filehsm/hsmfile/internal/record"
)

// comparison holds the records of the live set, in ascending order, against
// what the chain says is there, both ways.
type comparison struct {
	want chain.State
	add  func(what, problem string)
}

// compare begins a comparison; nil if the chain gives no state.
func (v *view) compare(log *chain.Log, add func(what, problem string)) *comparison {
	want, err := log.State(log.Last().Sequence)
	if err != nil {
		add("audit chain", err.Error())
		return nil
	}
	return &comparison{want, add}
}

// header is compared first: it lies outside the set.
func (c *comparison) header(b []byte) {
	switch want := c.want.Hash(record.Name(record.HeaderKey())); {
	case b == nil && want != nil:
		c.add(describeName(record.Name(record.HeaderKey())), "it is missing")
	case b != nil:
		c.holds(record.Name(record.HeaderKey()), want, b)
	}
}

func (c *comparison) record(name record.Name, b []byte) {
	for len(c.want) > 0 && string(c.want[0].Name) < string(name) {
		c.missing()
	}
	var want []byte
	if len(c.want) > 0 && string(c.want[0].Name) == string(name) {
		want, c.want = c.want[0].Hash, c.want[1:]
	}
	c.holds(name, want, b)
}

func (c *comparison) holds(name record.Name, want, b []byte) {
	switch {
	case want == nil:
		c.add(describeName(name), "it is in no audit entry")
	case !bytes.Equal(want, record.Hash(b)):
		c.add(describeName(name), "it is not what the audit chain says was written there")
	}
}

// end is after the last record.
func (c *comparison) end() {
	for len(c.want) > 0 {
		c.missing()
	}
}

// missing names the next one, which is not there.
func (c *comparison) missing() {
	if name := record.Name(c.want[0].Name); string(name) != record.HeaderKey() {
		c.add(describeName(name), "it is missing")
	}
	c.want = c.want[1:]
}

// checkRecords compares header and live set with the chain, and decodes each
// record; with no chain to compare with, it only decodes. It returns the number
// of records in the set.
func (v *view) checkRecords(log *chain.Log, report *AuditReport) (n int, err error) {
	var malformed []Finding
	decode := func(name record.Name, b []byte) {
		if err := decodes(name, b); err != nil {
			malformed = append(malformed, Finding{describeName(name), err.Error()})
		}
	}
	n, err = v.compareState(log, func(what, problem string) { report.add(what, "%s", problem) }, decode)
	report.Findings = append(report.Findings, malformed...)
	return n, err
}

// compareState is a comparison of all there is; also, which may be nil, sees
// each record of the set too. What is done with a record is done in another
// goroutine than the reading.
func (v *view) compareState(log *chain.Log, add func(what, problem string), also func(record.Name, []byte)) (n int, err error) {
	var c *comparison
	if log != nil {
		if c = v.compare(log, add); c != nil {
			header, err := v.r.Get(record.HeaderKey())
			if err != nil {
				return 0, err
			}
			c.header(header)
		}
	}
	n, err = v.scanBehind(func(name record.Name, b []byte) {
		if c != nil {
			c.record(name, b)
		}
		if also != nil {
			also(name, b)
		}
	})
	if c != nil && err == nil {
		c.end()
	}
	return n, err
}

// named is a record of the live set.
type named struct {
	name  record.Name
	value []byte
}

// batchSize is how many records are handed over at once.
const batchSize = 256

// scanBehind calls see for each record of the live set, in order, in another
// goroutine than the one that reads; it is over when scanBehind returns.
func (v *view) scanBehind(see func(record.Name, []byte)) (n int, err error) {
	b := newBehind(func(all []named) error {
		for _, x := range all {
			see(x.name, x.value)
		}
		return nil
	})
	var batch []named
	err = v.scan("", "", func(name record.Name, value []byte) error {
		n++
		if batch = append(batch, named{name, value}); len(batch) < batchSize {
			return nil
		}
		full := batch
		batch = make([]named, 0, batchSize)
		return b.send(full)
	})
	if err == nil {
		err = b.send(batch)
	}
	_ = b.Close() // seeing does not fail
	return n, err
}
