package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/sim"
)

// Line is something that happened, in a run or in a recording, to be compared
// with another: lines of one key are the same.
type Line struct {
	Key  string
	Text string
}

// StepLines are the steps of a run, without their times.
func (r *Report) StepLines() []Line {
	out := make([]Line, 0, len(r.Timeline.Rows))
	for i := range r.Timeline.Rows {
		row := &r.Timeline.Rows[i]
		if row.Prints() {
			continue
		}
		text := strings.Join(append([]string{who(row.Step), row.Words()}, row.Tail()...), "  ")
		out = append(out, Line{row.Identity + "\x00" + gist(row.Step), strings.TrimSpace(text)})
	}
	return out
}

// EventLines are events: of a recording, or those of a run.
func EventLines(events []event.Event) []Line {
	out := make([]Line, len(events))
	for i := range events {
		e := &events[i]
		out[i] = Line{string(e.AppendJSON(nil)), e.Source + "  " + e.ID + "  " + e.String()}
	}
	return out
}

// EventsOf are the events of a run.
func EventsOf(r *sim.Result) (all []event.Event) {
	for i := range r.Steps {
		all = append(all, r.Steps[i].Events...)
	}
	return all
}

// Difference is what only one of two sequences has, in the order in which it
// comes there. What both have in another order is in both, once each.
type Difference struct {
	Lines []DiffLine
	Same  int // lines that both have
}

// DiffLine is a line of one of the two, or of both.
type DiffLine struct {
	In   string `json:"in"` // "-" in the first alone, "+" in the second alone, " " in both
	Text string `json:"text"`
}

// Diff compares two sequences. A key that comes more than once in one of them
// is told apart by its number.
func Diff(a, b []Line) Difference {
	x, y := numbered(a), numbered(b)
	at := make(map[string]int, len(y))
	for j := range y {
		at[y[j].Key] = j
	}
	var pairs []pair
	for i := range x {
		if j, ok := at[x[i].Key]; ok {
			pairs = append(pairs, pair{i, j})
		}
	}
	var d Difference
	i, j := 0, 0
	for _, p := range append(rising(pairs), pair{len(x), len(y)}) {
		for ; i < p.i; i++ {
			d.Lines = append(d.Lines, DiffLine{"-", x[i].Text})
		}
		for ; j < p.j; j++ {
			d.Lines = append(d.Lines, DiffLine{"+", y[j].Text})
		}
		if i < len(x) && j < len(y) {
			d.Lines = append(d.Lines, DiffLine{" ", x[i].Text})
			i, j, d.Same = i+1, j+1, d.Same+1
		}
	}
	return d
}

// numbered makes keys that come again others.
func numbered(lines []Line) []Line {
	out, times := slices.Clone(lines), map[string]int{}
	for i := range out {
		k := out[i].Key
		out[i].Key = fmt.Sprintf("%s\x00%d", k, times[k])
		times[k]++
	}
	return out
}

// pair is a line that both sequences have, and where.
type pair struct{ i, j int }

// rising returns as many pairs as keep their order: the longest increasing
// subsequence, by patience sorting.
func rising(pairs []pair) []pair {
	var piles []int // index of the last pair of each pile
	before := make([]int, len(pairs))
	for n, p := range pairs {
		k, _ := slices.BinarySearchFunc(piles, p.j, func(top, j int) int { return cmp.Compare(pairs[top].j, j) })
		before[n] = -1
		if k > 0 {
			before[n] = piles[k-1]
		}
		if k == len(piles) {
			piles = append(piles, 0)
		}
		piles[k] = n
	}
	var out []pair
	if len(piles) > 0 {
		for n := piles[len(piles)-1]; n >= 0; n = before[n] {
			out = append(out, pairs[n])
		}
	}
	slices.Reverse(out)
	return out
}

// Equal reports whether there is no difference.
func (d Difference) Equal() bool { return d.Same == len(d.Lines) }

// Only are the lines that the first, or the second, has alone.
func (d Difference) Only(in string) []string {
	out := []string{}
	for _, l := range d.Lines {
		if l.In == in {
			out = append(out, l.Text)
		}
	}
	return out
}

// Text tells the difference, with a line of what both have around it.
func (d Difference) Text(what string) string {
	var w strings.Builder
	left := 0
	flush := func() {
		if left > 0 {
			fmt.Fprintf(&w, "    ... %s in both\n", Plural(left, what))
		}
		left = 0
	}
	for i, l := range d.Lines {
		near := i > 0 && d.Lines[i-1].In != " " || i+1 < len(d.Lines) && d.Lines[i+1].In != " "
		if l.In == " " && !near {
			left++
			continue
		}
		flush()
		w.WriteString(strings.TrimRight("  "+l.In+" "+l.Text, " ") + "\n")
	}
	flush()
	return w.String()
}
