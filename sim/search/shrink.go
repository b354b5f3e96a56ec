package search

import (
	"slices"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// Shrunk is the end of a shrink.
type Shrunk struct {
	scheduler.Shrunk
	Found  int         // deviations of the plan that it began with
	Result *sim.Result // of the plan
	// Parted says where a run of a smaller plan was another one the second
	// time, see [Subject.Repeats]: there the shrink has stopped, with the last
	// plan whose run was repeatable. Empty if all were.
	Parted string
}

// AsFound is a violation that was not shrunk.
func AsFound(r *sim.Result) Shrunk {
	return Shrunk{Shrunk: scheduler.Shrunk{Plan: r.Record.Plan}, Found: len(r.Record.Plan), Result: r}
}

// Shrink reduces the plan of a result that violates a property, and that is
// repeatable ([Subject.Repeats]), to a 1-minimal one that violates the same
// property. Inputs that were drawn ([sim.Scenario.Generate]) shrink too, by turns
// with the plan, until neither does any more. Every plan, and all inputs, that
// it takes over are run again after another run, as the first were. It returns
// the subject with the inputs that are left. stop may be nil.
func (s Subject) Shrink(r *sim.Result, stop func() bool) (Shrunk, Subject) {
	defer Steady()()
	s = s.since(r)
	k := shrinks{subject: s, property: r.Violation.Property, kept: r, tried: map[string]bool{}}
	stopped := func() bool { return k.parted != "" || stop != nil && stop() }
	for {
		shrunk := scheduler.Shrink(k.kept.Record.Plan, k.try, stopped)
		k.runs += shrunk.Runs
		if k.subject.Simulation.Draws() == 0 || !k.smaller(stopped) {
			shrunk.Plan, shrunk.Runs = k.kept.Record.Plan, k.runs
			shrunk.Minimal = shrunk.Minimal && !stopped()
			return Shrunk{Shrunk: shrunk, Found: len(r.Record.Plan), Result: k.end(), Parted: k.parted}, k.subject
		}
	}
}

// shrinks is a shrink under way.
type shrinks struct {
	subject  Subject // with the inputs that were taken over
	property string
	runs     int
	kept     *sim.Result // of the smallest plan that was taken over
	parted   string
	tried    map[string]bool // inputs, and the plan that they were tried with
}

// end is the kept run as one of its own plan: what did not occur was of a
// larger one, and is no part of what was found.
func (k *shrinks) end() *sim.Result {
	if len(k.kept.Unmatched) == 0 {
		return k.kept
	}
	r := *k.kept
	r.Unmatched = nil
	return &r
}

// try runs a plan. It tells the shrinker of no violation that is not
// repeatable, and remembers that there was one.
func (k *shrinks) try(p scheduler.Plan) (*scheduler.Record, bool) {
	r := k.subject.Run(scheduler.NewReplay(p))
	violates := k.violates(r)
	switch {
	case slices.Equal(p, k.kept.Record.Plan):
		if !sameRun(r, k.kept) {
			k.parted = k.subject.Repeats(k.kept)
			if k.parted == "" {
				k.parted = k.subject.parting(k.kept, r, Further{})
			}
		}
	case violates:
		if k.parted = k.subject.Repeats(r); k.parted != "" {
			return r.Record, false
		}
		if len(r.Record.Plan) < len(k.kept.Record.Plan) {
			k.kept = r
		}
	}
	return r.Record, violates && k.parted == ""
}
