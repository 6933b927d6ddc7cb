package filestore

import (
	"bytes"
	"strings"
)

// The filler is a record of ours that keeps bbolt from storing a small bucket
// inside its directory page, where nothing is aligned or bounded. Its key is
// longer than any record's and greater, so it ends every walk; its value is
// more than the quarter page at which bbolt stops inlining.
const (
	fillerKeySize = 257
	fillerSize    = 1200
)

var (
	fillerKey   = strings.Repeat("\xff", fillerKeySize)
	fillerValue = bytes.Repeat([]byte{'.'}, fillerSize)
)
