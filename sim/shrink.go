package sim

import (
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
			return Shrunk{Shrunk: shrunk, Result: k.kept, Simulation: k.sim, Parted: k.parted}
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
