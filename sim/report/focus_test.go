package report

import (
	"slices"
	"testing"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// What conflicts with what deviated is told, though it went as in the benign
// run: a reader sees both sides. What touches something else, or only reads
// what is only read, is not.
func TestBothSidesAreTold(t *testing.T) {
	call := func(task, method, resource string, access event.Access) sim.Step {
		return sim.Step{Identity: task + ":" + method + " " + resource, Kind: sim.KindOperation, Task: cloud.Named(task), Function: "f", What: method + " " + resource,
			Operation: &event.Operation{Service: "redis", Method: method, Resource: resource, Access: access}}
	}
	steps := []sim.Step{
		call("f(alice/1)", "GET", "k", event.Reads),
		call("f(alice/1)", "GET", "other", event.Reads),
		call("f(alice/1)", "MGET", "other k", event.Reads),
		call("f(alice/1)", "POST", "/k", event.Reads|event.Writes),
		call("f(bob/1)", "SET", "k", event.Writes),
		call("f(bob/1)", "GET", "read", event.Reads),
		call("f(bob/1)", "POST", "/k", event.Reads|event.Writes),
		call("f(carol/1)", "GET", "read", event.Reads),
		call("f(carol/1)", "GET", "last", event.Reads),
	}
	run := sim.Result{Steps: slices.Clone(steps), Record: &scheduler.Record{Plan: scheduler.Plan{{At: "x", Do: cloud.Crash}}}}
	for _, i := range []int{4, 5, 6} {
		run.Steps[i].Deviations = []string{"it deviates"}
	}
	timeline := newTimeline(&run, &sim.Result{Steps: steps})
	var told []string
	for _, s := range timeline.Sections(false) {
		for _, r := range s.Rows {
			if s.Why == Told {
				told = append(told, r.What)
			}
		}
	}
	want := []string{"GET k", "MGET other k", "SET k", "GET read", "POST /k", "GET last"}
	if !slices.Equal(told, want) {
		t.Errorf("told %q, wanted %q", told, want)
	}
}
