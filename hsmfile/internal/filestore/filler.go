package filestore

import (
	"bytes"
	"strings"
)

// The filler is a record of ours that ends every walk: its key is longer than any
// record's and greater. Its value is more than the quarter page up to which bbolt
// stores a whole bucket inside its directory page.
const (
	fillerKeySize = 257
	fillerSize    = 1200
)

var (
	fillerKey   = strings.Repeat("\xff", fillerKeySize)
	fillerValue = bytes.Repeat([]byte{'.'}, fillerSize)
)
