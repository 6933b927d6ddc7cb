package commands

import "time"

// shown is a time for eyes. It is UTC, as in the names of backups and in the
// audit log: a page that is read out to somebody elsewhere means one time.
func shown(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// stamp is a time in JSON.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
