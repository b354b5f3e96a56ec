// Package report tells what runs and searches have shown.
//
// A [Report] is the model of what there is to tell of a run: values, of which
// the story, the page, the texts and the JSON forms are renderings. None of
// them looks at a run itself. A [Summary] is a report, or the end of a search,
// in one JSON object; a [Description] is a scenario before it runs; [Parting]
// says where two runs of one plan part.
package report

import (
	"encoding/json"

	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
	"github.com/wtsim/wtsim/sim/search/workers"
)

// Report is what there is to tell of a run.
type Report struct {
	Scenario   string
	Seed       uint64 // that made its schedule; else 0
	Verdict    sim.Verdict
	Why        string // where inconclusive; or what else there is to know of the verdict
	Violation  *monitor.Violation
	AtEnd      bool            // it showed at the run's end, not in a step
	Deviations scheduler.Plan  // of the run
	Unmatched  scheduler.Plan  // that were asked for, and did not occur
	Inputs     json.RawMessage // of a scenario that draws them
	Timeline   Timeline
	Decisions  int // that there were
	Stack      string
	Hint       string        // see [sim.Result.Hint]
	Hash       string        // of the trace
	Runtime    string        // see [sim.Result.Runtime]
	Replay     string        // the command that repeats it; empty if that is not known
	Found      *Found        // how a search has found it; nil of a run that was asked for
	Cause      *search.Cause // when the violation became inevitable; nil if nobody has looked
	benign     *sim.Result
	machine    machine // of the violated property
}

// Found is how a search has found a violation.
type Found struct {
	Number   int // of the schedule
	Shrunk   search.Shrunk
	NoShrink bool // it was not to be shrunk
}

// New reports a run beside the benign one, which may be nil.
func New(scenario string, r, benign *sim.Result) *Report {
	out := &Report{Scenario: scenario, Verdict: r.Verdict, Why: r.Why, Violation: r.Violation, AtEnd: atEnd(r), Unmatched: r.Unmatched,
		Timeline: newTimeline(r, benign), Stack: r.Stack, Hint: r.Hint, Hash: r.Hash, Runtime: r.Runtime, benign: benign}
	if r.Record != nil {
		out.Deviations, out.Decisions = r.Record.Plan, len(r.Record.Decisions)
	}
	return out
}

// OfFinding reports the schedule that a search has looked at last.
func OfFinding(scenario string, f *workers.Finding, noShrink bool) *Report {
	r := New(scenario, f.Shrunk.Result, f.Benign)
	r.Seed, r.Verdict, r.Why, r.Inputs = f.Seed, f.Verdict, f.Why, f.Inputs
	if f.Verdict == sim.Violated {
		r.Found = &Found{Number: f.Number, Shrunk: f.Shrunk, NoShrink: noShrink}
	}
	if f.Shrunk.Parted != "" {
		r.Why = "shrinking has stopped: a smaller plan was not repeatable: " + f.Shrunk.Parted
	}
	return r
}
