package commands

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// plain makes text safe to print: a label, a file name or a manifest from
// outside must not move the cursor, change the title or reverse the line.
func plain(text string) string {
	if isPlainASCII(text) { // nearly all of a long listing
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[0])
		case r == ' ' || unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(escape(r))
		}
		text = text[size:]
	}
	return b.String()
}

func isPlainASCII(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

// escape writes a rune as JSON and Go do.
func escape(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\t':
		return `\t`
	case r <= 0xffff:
		return fmt.Sprintf(`\u%04x`, r)
	}
	high, low := 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff
	return fmt.Sprintf(`\u%04x\u%04x`, high, low)
}

// plainJSON escapes what encoding/json lets through: DEL, the C1 controls and
// the marks that change the direction of writing. Outside of strings JSON has
// none of these, so escaping them anywhere is right.
func plainJSON(document []byte) []byte {
	var b strings.Builder
	for _, r := range string(document) {
		if r == '\n' || r == ' ' || unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(escape(r))
		}
	}
	return []byte(b.String())
}
