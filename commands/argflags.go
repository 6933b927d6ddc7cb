package commands

import (
	"strconv"
	"strings"
	"time"
)

// flag takes a flag and the words that belong to it.
func (r *lineReader) flag(word string) error {
	r.list = ""
	switch word {
	case "-h", "--help": // wantsHelp has seen it
		return nil
	case "--version":
		r.line.version = true
		return nil
	}
	dashes, name, value, joined := cutFlag(word)
	f, known := r.lookup(name)
	if !known || (dashes == 1) != (len(name) == 1) {
		if r.lenient {
			return nil
		}
		return r.unknownFlag(name)
	}
	if joined {
		return r.take(f, value)
	}
	return r.follow(f)
}

// cutFlag takes --name=value apart.
func cutFlag(word string) (dashes int, name, value string, joined bool) {
	word, dashes = word[1:], 1
	if word[0] == '-' {
		word, dashes = word[1:], 2
	}
	name, value, joined = strings.Cut(word, "=")
	return dashes, name, value, joined
}

// follow takes a flag's value from the words after it.
func (r *lineReader) follow(f flag) error {
	if f.kind == kindSwitch {
		return r.take(f, "true")
	}
	if len(r.rest) == 0 || isFlag(r.rest[0]) {
		if r.lenient {
			return nil
		}
		return usageError("a value that begins with a dash is written --"+f.name+"=VALUE",
			"--%s needs a value", f.name)
	}
	if f.kind == kindList {
		r.list = f.name
		return nil
	}
	value := r.rest[0]
	r.rest = r.rest[1:]
	return r.take(f, value)
}

// take checks one value and keeps it.
func (r *lineReader) take(f flag, value string) error {
	if r.lenient {
		return nil
	}
	if f.kind != kindList && f.kind != kindEach && r.has(f.name) {
		return usageError("", "--%s is given twice", f.name)
	}
	if wants := f.refuse(value); wants != "" {
		return usageError("", "--%s %s", f.name, wants)
	}
	r.add(f.name, value)
	return nil
}

func (r *lineReader) has(name string) bool {
	for _, g := range r.line.flags {
		if g.name == name {
			return true
		}
	}
	return false
}

// refuse says what the flag wants if value is not that. The value is not
// repeated: what stands after --password-fd by mistake may be a password.
func (f flag) refuse(value string) string {
	switch f.kind {
	case kindNumber:
		if _, err := strconv.Atoi(value); err != nil {
			return "wants a whole number"
		}
	case kindPeriod:
		if d, err := time.ParseDuration(value); err != nil || d < 0 {
			return "wants a time like 90s, 15m or 2h"
		}
	case kindSwitch:
		if value != "true" && value != "false" {
			return "is a switch: it is true or false"
		}
	}
	return ""
}
