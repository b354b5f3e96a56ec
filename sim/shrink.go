package sim

import (
	"fmt"
	"slices"

	"github.com/wtsim/wtsim/scheduler"
)

// Shrunk is the end of a shrink.
type Shrunk struct {
	scheduler.Shrunk
	Result     *Result     // of the plan
	Simulation *Simulation // with the inputs that are left
	// Parted says where a run of a smaller plan was another one the second
	// time, see [Simulation.Repeats]: there the shrink has stopped, with the last
	// plan whose run was repeatable. Empty if all were.
	Parted string
}

// Summary says what became of a plan that had as many deviations when it was
// found: "minimised from 5 deviations to 1".
func (s Shrunk) Summary(found int) string {
	to := len(s.Plan)
	text := fmt.Sprintf("minimised from %s to %d", plural(found, "deviation"), to)
	switch {
	case s.Parted != "":
		return fmt.Sprintf("%s (stopped: a smaller plan is not repeatable: %s)", text, s.Parted)
	case !s.Minimal:
		return text + " (stopped early: it may not be minimal)"
	case found == 0:
		return "without any deviation: the benign schedule violates"
	case to == 0:
		return text + ": the benign schedule violates"
	case to == found && to == 1:
		return "with 1 deviation"
	case to == found:
		return fmt.Sprintf("with %s, none of which can be left out", plural(found, "deviation"))
	}
	return text
}

// Shrink reduces the plan of a result that violates a property, and that is
// repeatable ([Simulation.Repeats]), to a 1-minimal one that violates the same
// property. Inputs that were drawn ([Scenario.Generate]) shrink too, by turns
// with the plan, until neither does any more. Every plan, and all inputs, that
// it takes over are run again after another run, as the first were. stop may
// be nil.
func (s *Simulation) Shrink(r *Result, stop func() bool) Shrunk {
	defer Steady()()
	k := shrinks{sim: s, property: r.Violation.Property, kept: r}
	stopped := func() bool { return k.parted != "" || stop != nil && stop() }
	for {
		shrunk := scheduler.Shrink(k.kept.Record.Plan, k.try, stopped)
		k.runs += shrunk.Runs
		if k.sim.general == nil || !k.smaller(stopped) {
			shrunk.Plan, shrunk.Runs = k.kept.Record.Plan, k.runs
			shrunk.Minimal = shrunk.Minimal && !stopped()
			return Shrunk{Shrunk: shrunk, Result: k.end(), Simulation: k.sim, Parted: k.parted}
		}
	}
}

// shrinks is a shrink under way.
type shrinks struct {
	sim      *Simulation // with the inputs that were taken over
	property string
	runs     int
	kept     *Result // of the smallest plan that was taken over
	parted   string
}

// end is the kept run as one of its own plan: what did not occur was of a
// larger one, and is no part of what was found.
func (k *shrinks) end() *Result {
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
	r := k.sim.Run(scheduler.NewReplay(p))
	violates := k.violates(r)
	switch {
	case slices.Equal(p, k.kept.Record.Plan):
		if !sameRun(r, k.kept) {
			k.parted = k.sim.Repeats(k.kept)
			if k.parted == "" {
				k.parted = FirstDifference(k.kept, r)
			}
		}
	case violates:
		if k.parted = k.sim.Repeats(r); k.parted != "" {
			return r.Record, false
		}
		if len(r.Record.Plan) < len(k.kept.Record.Plan) {
			k.kept = r
		}
	}
	return r.Record, violates && k.parted == ""
}
