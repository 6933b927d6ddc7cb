package filestore

import "slices"

// room is where pages may be laid: on those that no meta page refers to, and, when
// there are none left, behind the mark of the newest.
type room struct {
	ahead  []uint64 // free pages, ascending: to be taken next
	behind []uint64 // more, before those
	mark   uint64   // every page at or behind it is free
	noRuns uint64   // no run of so many free pages is left, nor of more; 0: unknown
}

// newRoom is the room that a list of free pages gives to so many pages, about.
// It begins with the first run of so many, or else with the longest: what lies
// together is written with one call. Of a list that takes several pages itself
// it begins with the lowest: whatever else, what pages taken one by one leave of
// runs must do for the next list, or the file would grow with each commit.
func newRoom(free []uint64, mark, pages uint64) room {
	from := 0
	if len(free) <= shortList {
		from, _ = firstRun(free, pages)
	}
	return room{ahead: free[from:], behind: free[:from:from], mark: mark}
}

// shortList is how many pages a list has that takes one page itself, after the
// next commit as well.
const shortList = 400

// take takes pages that follow each other.
func (r *room) take(span uint64) (id uint64) {
	if len(r.ahead) == 0 {
		r.ahead, r.behind = r.behind, nil
	}
	if span == 1 && len(r.ahead) > 0 {
		id, r.ahead = r.ahead[0], r.ahead[1:]
		return id
	}
	if r.noRuns == 0 || span < r.noRuns {
		for _, ids := range []*[]uint64{&r.ahead, &r.behind} {
			if from, long := firstRun(*ids, span); long == span {
				id = (*ids)[from]
				*ids = slices.Concat((*ids)[:from], (*ids)[from+int(span):])
				return id
			}
		}
		r.noRuns = span
	}
	id = r.mark
	r.mark += span
	return id
}

// left are the free pages that were not taken, ascending.
func (r *room) left() []uint64 { return slices.Concat(r.behind, r.ahead) }

func (r *room) count() int { return len(r.behind) + len(r.ahead) }

// firstRun returns where the first run of span ids begins that follow each
// other, or else the longest, and how long it is.
func firstRun(ids []uint64, span uint64) (from int, long uint64) {
	start := 0
	for i, id := range ids {
		if id-ids[start] != uint64(i-start) {
			start = i
		}
		if n := uint64(i-start) + 1; n > long {
			if from, long = start, n; long == span {
				break
			}
		}
	}
	return from, long
}
