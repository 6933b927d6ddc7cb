package main

import (
	"fmt"
	"time"
)

// table is what was measured at one place.
type table struct {
	place string
	rows  []row
}

type row struct{ what, measured, bar, met string }

func (t *table) add(what, measured, bar string, met bool) {
	word := "yes"
	if !met {
		word = "**no**"
	}
	t.rows = append(t.rows, row{what, measured, bar, word})
}

// beside adds what somebody else takes for the same.
func (t *table) beside(what, measured string) {
	t.rows = append(t.rows, row{what, measured, "", ""})
}

// printTables puts the places beside each other: all have the same rows.
func printTables(all []*table) {
	fmt.Print("| |")
	for _, t := range all {
		fmt.Printf(" %s | met |", t.place)
	}
	fmt.Print(" bar |\n|---|")
	for range all {
		fmt.Print("---|---|")
	}
	fmt.Println("---|")
	for i, r := range all[0].rows {
		fmt.Printf("| %s |", r.what)
		for _, t := range all {
			fmt.Printf(" %s | %s |", t.rows[i].measured, t.rows[i].met)
		}
		fmt.Printf(" %s |\n", r.bar)
	}
}

// took is the time, and the processor's share of it where that was measured.
func took(c cost) string {
	if c.cpu == 0 {
		return span(c.time)
	}
	return span(c.time) + " (CPU " + span(c.cpu) + ")"
}

func span(d time.Duration) string {
	switch ms := float64(d) / float64(time.Millisecond); {
	case ms < 10:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 1000:
		return fmt.Sprintf("%.0f ms", ms)
	default:
		return fmt.Sprintf("%.2f s", ms/1000)
	}
}

func megabytes(c cost) string { return fmt.Sprintf("%d MB", c.memory/1_000_000) }

func ratio(a, b cost) string { return fmt.Sprintf("%.2f", float64(a.time)/float64(b.time)) }

func times(a, b time.Duration) string { return fmt.Sprintf("%.1f times", float64(a)/float64(b)) }

func within(a, b cost, times float64) bool { return float64(a.time) < times*float64(b.time) }
