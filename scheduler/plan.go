// Package scheduler decides what a run may decide, and searches the space of
// decisions.
//
// A run asks its [Source] one [Decision] after another: each has an identity
// (a name that does not depend on how many decisions came before it) and
// options, of which the first is benign. A [Plan] is the set of deviations of
// a run, those decisions whose answer was not the benign one; all else is
// benign, so a plan is short, people can read and edit it, and taking one
// deviation away leaves the others in place.
//
// A run tells its [Decider] of each [Transition] that it does, and what it touches:
// so conflicts, the partial order of the run and which write each read saw
// are known exactly ([Order], [Pair]).
//
// A [Strategy] hands out one source a schedule. [Shrink] reduces a plan to
// one that is 1-minimal: without any one of its deviations the violation is
// gone.
//
// The package is a leaf: it knows nothing of clouds, functions or
// properties.
package scheduler

import (
	"fmt"
	"slices"
	"strings"
)

// Option is one answer to a decision.
type Option struct {
	Do    string      // the kind: "lose-response", "run-other", ...; empty for the benign option
	With  string      // the kind's parameter, where it has one
	Fault bool        // counts against the fault budget
	Next  *Transition // of a scheduling decision: what the option lets happen first; else nil
}

// String returns the option's name, such as "fail 503".
func (o Option) String() string {
	return strings.TrimSpace(o.Do + " " + o.With)
}

// Decision is one question of a run.
type Decision struct {
	At      string   // its identity
	Options []Option // the first is the benign one
	// State is a hash of all that decides how the run goes on from here: equal
	// states go on alike. 0 is one that is not known.
	State uint64
}

// schedules reports whether the decision is about who goes on.
func (d *Decision) schedules() bool { return d.Options[0].Next != nil }

// find returns the index of the option, or -1.
func (d *Decision) find(do, with string) int {
	for i, o := range d.Options {
		if o.Do == do && o.With == with {
			return i
		}
	}
	return -1
}

// Deviation is a decision's answer that was not the benign one.
type Deviation struct {
	At   string `json:"at"`
	Do   string `json:"do"`
	With string `json:"with,omitempty"`
	Note string `json:"note,omitempty"` // in words, for people
}

// String returns the note, or identity and option where there is none.
func (d Deviation) String() string {
	if d.Note != "" {
		return d.Note
	}
	return fmt.Sprintf("%s: %s", d.At, Option{Do: d.Do, With: d.With})
}

// Plan is a set of deviations, no two of one identity, in order of
// occurrence.
type Plan []Deviation

// Validate returns the first thing that is wrong with a plan that was read
// from a file.
func (p Plan) Validate(kinds func(string) bool) error {
	at := map[string]bool{}
	for i, d := range p {
		switch {
		case d.At == "":
			return fmt.Errorf("deviations[%d]: \"at\" is missing, wanted a decision's identity", i)
		case d.Do == "":
			return fmt.Errorf("deviations[%d]: \"do\" is missing, wanted a deviation kind", i)
		case !kinds(d.Do):
			return fmt.Errorf("deviations[%d]: unknown kind %q, wanted one that `wtsim faults` lists", i, d.Do)
		case at[d.At]:
			return fmt.Errorf("deviations[%d]: %q has a deviation already, wanted one a decision", i, d.At)
		}
		at[d.At] = true
	}
	return nil
}

// Without returns the plan less the deviations at the given indices.
func (p Plan) Without(drop ...int) Plan {
	gone := map[int]bool{}
	for _, i := range drop {
		gone[i] = true
	}
	out := make(Plan, 0, len(p))
	for i, d := range p {
		if !gone[i] {
			out = append(out, d)
		}
	}
	return out
}

// Key is equal for plans that are the same set.
func (p Plan) Key() string {
	parts := make([]string, len(p))
	for i, d := range p {
		parts[i] = d.At + "\x00" + d.Do + "\x00" + d.With
	}
	slices.Sort(parts)
	return strings.Join(parts, "\x01")
}
