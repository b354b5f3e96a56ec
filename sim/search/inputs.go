package search

import (
	"context"
	"encoding/json"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// plansPerInput is how many plans are tried on inputs that may be smaller:
// which deviations there are, and what they are named, depends on the inputs.
const plansPerInput = 200

// smaller tries to make the inputs of what was kept smaller. Smaller inputs are
// taken over if the plan, or another with no more deviations, still violates
// the property. It reports whether any were.
func (k *shrinks) smaller(stop func() bool) bool {
	any := false
	for i := 0; i < k.subject.Simulation.Draws() && !stop(); {
		if k.smallerDraw(i, stop) {
			any = true // and again: the draws are others now
		} else {
			i++
		}
	}
	return any
}

// smallerDraw tries smaller choices for one draw.
func (k *shrinks) smallerDraw(i int, stop func() bool) bool {
	for inputs := range k.subject.Simulation.Smaller(i) {
		if stop() {
			return false
		}
		if k.tryInputs(inputs, stop) {
			return true
		}
	}
	return false
}

// tryInputs runs other inputs, and keeps them if the property is violated with
// no more deviations. Those that were tried with the plan already are not
// again.
func (k *shrinks) tryInputs(inputs json.RawMessage, stop func() bool) bool {
	key := string(inputs) + k.kept.Record.Plan.Key()
	if k.tried[key] {
		return false
	}
	k.tried[key] = true
	s, err := k.subject.With(inputs)
	if err != nil {
		return false // another choice that depends on this one is out of range
	}
	k.runs++
	r := s.Run(scheduler.NewReplay(k.kept.Record.Plan))
	if !k.violates(r) {
		found, err := s.Search(context.Background(), Options{Strategy: "bounded", Bound: len(k.kept.Record.Plan), Limit: func() int {
			if stop() {
				return 0
			}
			return plansPerInput
		}})
		k.runs += found.Ran
		if found.Unrepeatable != nil {
			k.parted = found.Unrepeatable.Difference
		}
		if err != nil || k.parted != "" || found.Result == nil || !k.violates(found.Result) {
			return false
		}
		r = found.Result
	} else if k.parted = s.Repeats(r); k.parted != "" {
		return false
	}
	k.subject, k.kept = s, r
	return true
}

func (k *shrinks) violates(r *sim.Result) bool {
	return k.subject.wants(r) && r.Violation.Property == k.property
}
