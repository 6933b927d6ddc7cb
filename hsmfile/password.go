package hsmfile

import (
	_ "embed"
	"strings"
	"unicode"
	"unicode/utf8"

	"filehsm/hsmfile/secret"
)

// Bounds of a password, in characters. The floor is the defence that a wiped
// counter cannot take away: the price of guessing is floor times KDF.
const (
	floorCU      = 8
	floorOfficer = 12
	maxPassword  = 128
)

// byteOrderMark is what some editors put in front of a text.
const byteOrderMark = "\ufeff"

// commonPasswords is a list of those that guessing begins with, one a line,
// lower case.
//
//go:embed common-passwords.txt
var commonPasswords string

// ValidatePassword checks a new password: CU 8 characters, CO and AU 12, at
// most 128, valid UTF-8, nothing that cannot be typed, none of the commonest.
// ErrUsage says which rule.
func ValidatePassword(role Role, pw *secret.Bytes) error {
	floor := floorOfficer
	if role == CU {
		floor = floorCU
	}
	const hint = "choose another, or let filehsm make one: --generate-password"
	text := string(pw.Reveal())
	switch n := utf8.RuneCountInString(text); {
	case !utf8.ValidString(text):
		return refuse(ErrUsage, hint, "invalid password: it is not valid UTF-8")
	case n < floor:
		return refuse(ErrUsage, hint, "invalid password: a %s's password has at least %d characters", role, floor)
	case n > maxPassword:
		return refuse(ErrUsage, hint, "invalid password: it has more than %d characters", maxPassword)
	case strings.ContainsAny(text, "\r\n"):
		return refuse(ErrUsage, hint, "invalid password: it has a line break in it")
	case strings.Contains(text, byteOrderMark):
		return refuse(ErrUsage, `save the file as "UTF-8", not as "UTF-8 with BOM"`, "invalid password: it has a byte order mark in it, which nobody can type")
	case strings.ContainsFunc(text, unicode.IsControl):
		return refuse(ErrUsage, hint, "invalid password: it has a control character in it, such as a tab, which nobody can type")
	case isCommon(text):
		return refuse(ErrUsage, hint, "invalid password: it is among the commonest ones")
	}
	return nil
}

// isCommon compares without case, and also sees a common password that is only
// repeated, or padded with one character over and over, before or behind, to
// reach the floor.
func isCommon(text string) bool {
	lower := strings.ToLower(text)
	if uniform(lower) {
		return true
	}
	for _, word := range strings.Fields(commonPasswords) {
		before, after, found := strings.Cut(lower, word)
		if found && uniform(before) && uniform(strings.ReplaceAll(after, word, "")) {
			return true
		}
	}
	return false
}

// uniform says whether a text is one character over and over, or nothing.
func uniform(text string) bool {
	first, _ := utf8.DecodeRuneInString(text)
	return strings.Trim(text, string(first)) == ""
}
