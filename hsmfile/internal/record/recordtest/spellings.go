// Package recordtest gives the tests of strict readers what they must agree on
// with the general decoder. Only tests import it.
package recordtest

import (
	"bytes"
	"slices"
)

// heads are bytes of every kind that a CBOR item can begin with.
var heads = func() (all []byte) {
	for major := range byte(8) {
		for _, short := range []byte{0, 1, 2, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31} {
			all = append(all, major<<5|short)
		}
	}
	return all
}()

// Spellings calls check with a record, and with each of its first bytes (all,
// if it has fewer) being another, missing or there twice, and all after it cut.
func Spellings(whole []byte, first int, check func([]byte)) {
	check(whole)
	for i := range min(len(whole), first) {
		for _, x := range heads {
			b := bytes.Clone(whole)
			b[i] = x
			check(b)
			check(slices.Insert(bytes.Clone(whole), i, x))
		}
		check(whole[:i])
		check(slices.Delete(bytes.Clone(whole), i, i+1))
	}
}
