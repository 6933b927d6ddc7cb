package attr

import (
	"fmt"
	"strings"
)

// maxNear bounds the work: no name that exists is longer, and the word comes
// from outside.
const maxNear = 64

// Nearest returns the choice that word was probably meant to be, or "" if
// none is near: one that word begins, or the fewest slips away (a letter too
// many, missing, wrong, or two exchanged), at most one slip in three letters.
func Nearest(word string, choices []string) string {
	if len(word) == 0 || len(word) > maxNear {
		return ""
	}
	best, least := "", len(word)/3+1
	for _, c := range choices {
		if len(c) > maxNear {
			continue
		}
		if d := slips(strings.ToLower(word), strings.ToLower(c)); d < least {
			best, least = c, d
		}
	}
	if best == "" {
		return begun(word, choices)
	}
	return best
}

// begun is the only choice that starts with word, if word says enough.
func begun(word string, choices []string) string {
	found := ""
	for _, c := range choices {
		if len(word) < 3 || !strings.HasPrefix(c, strings.ToLower(word)) {
			continue
		}
		if found != "" {
			return ""
		}
		found = c
	}
	return found
}

// slips is the optimal string alignment distance, bytewise: names are ASCII.
func slips(a, b string) int {
	before, prev := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+differ(a[i-1], b[j-1]))
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev = prev, row
	}
	return prev[len(b)]
}

func differ(a, b byte) int {
	if a == b {
		return 0
	}
	return 1
}

// unknown refuses a word of which there is a fixed list.
func unknown(what, word string, choices []string) *Error {
	e := &Error{Text: fmt.Sprintf("unknown %s %q", what, word)}
	if near := Nearest(word, choices); near != "" {
		e.Hint = fmt.Sprintf("did you mean %q?", near)
	} else {
		e.Hint = "known: " + strings.Join(choices, ", ")
	}
	return e
}
