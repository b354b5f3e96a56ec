package sim

import (
	"context"
	"encoding/json"

	"github.com/wtsim/wtsim/scheduler"
)

// plansPerInput is how many plans are tried on inputs that may be smaller:
// which deviations there are, and what they are named, depends on the inputs.
const plansPerInput = 200

// smaller tries to make the inputs of what was kept smaller: lists lose
// elements, numbers come nearer to the least, options to the first. Smaller
// inputs are taken over if the plan, or another with no more deviations, still
// violates the property. It reports whether any were.
func (k *shrinks) smaller(stop func() bool) bool {
	any := false
	for i := 0; i < len(k.sim.draws.all) && !stop(); {
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
	d := k.sim.draws.all[i]
	if d.list {
		for size := max(1, (d.value-d.least)/2); size > 0; size /= 2 {
			for from := 0; from+size <= d.value && d.value-size >= d.least; from++ {
				if stop() {
					return false
				}
				list := d.in.values[d.name].([]any)
				shorter := append(append([]any{}, list[:from]...), list[from+size:]...)
				if k.tryInputs(d, shorter, stop) {
					return true
				}
			}
		}
		return false
	}
	for gap := d.value - d.least; gap > 0; gap /= 2 { // the least, half way, ..., one less
		if stop() {
			return false
		}
		if k.tryInputs(d, d.make(d.value-gap), stop) {
			return true
		}
	}
	return false
}

// tryInputs runs inputs that differ in one choice, and keeps them if the
// property is violated with no more deviations.
func (k *shrinks) tryInputs(d draw, value any, stop func() bool) bool {
	before := d.in.values[d.name]
	d.in.values[d.name] = value
	raw, err := json.Marshal(k.sim.scenario.Inputs)
	d.in.values[d.name] = before
	if err != nil {
		return false // cannot happen: they are numbers, strings and lists
	}
	s, err := k.sim.With(raw)
	if err != nil {
		return false // another choice that depends on this one is out of range
	}
	k.runs++
	r := s.Run(scheduler.NewReplay(k.kept.Record.Plan))
	if !k.violates(r) {
		found, err := s.Search(context.Background(), Search{Strategy: "bounded", Bound: len(k.kept.Record.Plan), Limit: func() int {
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
	k.sim, k.kept = s, r
	return true
}

func (k *shrinks) violates(r *Result) bool {
	return r.Verdict == Violated && r.Violation.Property == k.property
}
