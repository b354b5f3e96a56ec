package search

import (
	"cmp"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// An edit of the application changes identities: a task that gets a name, a
// key that is spelled otherwise. A counterexample whose deviations no longer
// occur proves nothing, until it was put to where they have gone.

const (
	// likeliest is how many places a deviation is tried at.
	likeliest = 4
	// mostRebased is how many runs looking for them may take.
	mostRebased = 100
)

// Rebase looks for a plan like one whose deviations do not all occur any more:
// the same kinds at the decisions most like the old ones. It returns the first
// run that violates the property (any, if that is empty), nil if there is none.
func (s Subject) Rebase(plan scheduler.Plan, property string) *sim.Result {
	r := rebase{subject: s, property: property, left: mostRebased}
	return r.extend(nil, plan)
}

type rebase struct {
	subject  Subject
	property string
	left     int // runs
}

// extend follows a plan, and puts what is left of the old one behind it.
func (r *rebase) extend(plan, rest scheduler.Plan) *sim.Result {
	if r.left--; r.left < 0 {
		return nil
	}
	run := r.subject.Run(scheduler.NewReplay(plan))
	if run.Verdict == sim.Violated && (r.property == "" || run.Violation.Property == r.property) {
		return run
	}
	if len(rest) == 0 {
		return nil
	}
	for _, d := range places(run.Record.Decisions, rest[0], plan) {
		if found := r.extend(append(slices.Clone(plan), d), rest[1:]); found != nil {
			return found
		}
	}
	return r.extend(plan, rest[1:]) // it may not be needed any more
}

// places are where a deviation may be now, the likeliest first.
func places(decisions []scheduler.Decision, old scheduler.Deviation, taken scheduler.Plan) scheduler.Plan {
	type place struct {
		scheduler.Deviation
		like float64
	}
	var all []place
	for i := range decisions {
		d := &decisions[i]
		if kindOf(d.At) != kindOf(old.At) || slices.ContainsFunc(taken, func(t scheduler.Deviation) bool { return t.At == d.At }) {
			continue
		}
		for _, o := range d.Options[1:] {
			if o.Do == old.Do {
				like := alike(d.At, old.At) + alike(o.With, old.With)
				all = append(all, place{scheduler.Deviation{At: d.At, Do: o.Do, With: o.With}, like})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b place) int { return cmp.Compare(b.like, a.like) })
	var out scheduler.Plan
	for _, p := range all[:min(likeliest, len(all))] {
		out = append(out, p.Deviation)
	}
	return out
}

// kindOf is what a decision is about: who goes next, a start, an end, or an
// operation, and then of which service and method.
func kindOf(at string) string {
	if first, _, _ := strings.Cut(at, " "); first == "after" || first == "start" || first == "end" {
		return first
	}
	depth := 0
	task := strings.IndexFunc(at, func(r rune) bool { // ends at the first colon outside its brackets
		switch r {
		case '(':
			depth++
		case ')':
			depth--
		}
		return r == ':' && depth == 0
	})
	method, _, _ := strings.Cut(at[task+1:], " ")
	return method
}

// alike is how much two identities have in common: from 0 to 1, the share of
// their words, of which the first, a function, counts as much as three.
func alike(a, b string) float64 {
	x, y := words(a), words(b)
	if len(x)+len(y) == 0 {
		return 1
	}
	common := 0
	rest := slices.Clone(y)
	for _, w := range x {
		if i := slices.Index(rest, w); i >= 0 {
			common++
			rest = slices.Delete(rest, i, i+1)
		}
	}
	score, of := 2*common, len(x)+len(y)
	if len(x) > 0 && len(y) > 0 && x[0] == y[0] {
		score += 4
	}
	return float64(score) / float64(of+4)
}

func words(s string) []string {
	return strings.FieldsFunc(cloud.Mask(s), func(r rune) bool { return strings.ContainsRune(" ():./,~", r) })
}
