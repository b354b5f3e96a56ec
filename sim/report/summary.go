package report

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
	"github.com/wtsim/wtsim/sim/search/workers"
)

// Summary is a report, or the end of a search, as one JSON object: what `wtsim
// run`, `replay` and `trace` print with --json: its fields are the object's.
type Summary struct {
	Kind            string          `json:"kind"` // "result"
	Scenario        string          `json:"scenario"`
	Verdict         sim.Verdict     `json:"verdict"`
	Why             string          `json:"why,omitempty"`
	Schedules       int             `json:"schedules,omitempty"`
	Complete        *bool           `json:"complete,omitempty"`
	Seed            uint64          `json:"seed,omitempty"`
	Strategy        string          `json:"strategy,omitempty"`
	Violation       *Violation      `json:"violation,omitempty"`
	FoundDeviations *int            `json:"found_deviations,omitempty"`
	Deviations      []string        `json:"deviations,omitzero"` // none at all is of a violation in the benign schedule
	Inputs          json.RawMessage `json:"inputs,omitempty"`    // of a scenario that draws them

	// Of a search:
	Shard string `json:"shard,omitempty"` // "2/3"
	workers.Statistics

	Findings       []search.Stands `json:"findings,omitempty"` // of a file that is kept: how each of the scenario's stands
	Nearest        *Nearest        `json:"nearest,omitempty"`  // of a recorded violation that no run shows
	Matches        *bool           `json:"matches,omitempty"`
	Unmatched      *[]string       `json:"unmatched,omitempty"`
	Difference     string          `json:"difference,omitempty"` // of a replay that does not match, for people
	Page           string          `json:"page,omitempty"`       // where the counterexample is drawn
	Counterexample string          `json:"counterexample,omitempty"`
	TraceHash      string          `json:"trace_hash,omitempty"`
	Stack          string          `json:"stack,omitempty"`
	Runtime        string          `json:"runtime,omitempty"` // see [sim.Result.Runtime]
	ElapsedNS      int64           `json:"elapsed_ns"`
}

// OfEnd is the end of a search, without what was found.
func OfEnd(scenario string, e *workers.End) Summary {
	return Summary{Scenario: scenario, Verdict: e.Verdict, Why: e.Why, Schedules: e.Schedules, Complete: &e.Complete,
		Inputs: e.Inputs, Statistics: e.Statistics, ElapsedNS: e.Elapsed.Nanoseconds()}
}

// Summary is the report in short.
func (r *Report) Summary() Summary {
	return Summary{Scenario: r.Scenario, Verdict: r.Verdict, Why: r.Why, Seed: r.Seed, Violation: ViolationOf(r.Violation),
		Deviations: Notes(r.Deviations), Inputs: r.Inputs, TraceHash: r.Hash, Stack: r.Stack}
}

// Looked takes over what became of the schedule that a search has looked at;
// strategy is the one that has made it.
func (s *Summary) Looked(r *Report, strategy string) {
	s.Verdict, s.Why, s.Seed, s.TraceHash, s.Stack = r.Verdict, r.Why, r.Seed, r.Hash, r.Stack
	if r.Seed > 0 || r.Violation != nil {
		s.Strategy = strategy
	}
	if r.Found != nil {
		s.Violation, s.Deviations, s.FoundDeviations, s.Inputs = ViolationOf(r.Violation), Notes(r.Deviations), &r.Found.Shrunk.Found, r.Inputs
	}
}

// Replayed tells how a replay relates to its file.
func (s *Summary) Replayed(r *Report, matches bool, difference string) {
	unmatched := make([]string, len(r.Unmatched))
	for i, d := range r.Unmatched {
		unmatched[i] = located(d)
	}
	s.Matches, s.Unmatched, s.Difference = &matches, &unmatched, difference
}

// Violation is a violation in a summary.
type Violation struct {
	Property  string            `json:"property"`
	Binding   json.RawMessage   `json:"binding"`
	Certainty monitor.Certainty `json:"certainty"`
	Detail    string            `json:"detail,omitempty"`
}

// ViolationOf is a violation in short; nil if there is none.
func ViolationOf(v *monitor.Violation) *Violation {
	if v == nil {
		return nil
	}
	binding, err := v.Binding.MarshalJSON()
	if err != nil {
		binding = []byte("{}")
	}
	return &Violation{Property: v.Property, Binding: binding, Certainty: v.Certainty, Detail: v.Detail}
}

// FindingsText tells how the findings of a file stand, a line each.
func FindingsText(file string, all []search.Stands) string {
	text := fmt.Sprintf("\n%s in %s\n", Plural(len(all), "finding"), file)
	for _, s := range all {
		text += "  " + s.String() + "\n"
	}
	return text
}

// Notes are the deviations of a plan in words, never nil.
func Notes(p scheduler.Plan) []string {
	out := make([]string, len(p))
	for i, d := range p {
		out[i] = d.String()
	}
	return out
}

// Print writes the object.
func (s Summary) Print(w io.Writer) error {
	s.Kind, s.Runtime = "result", sim.RuntimeName()
	return encoder(w).Encode(s)
}

// encoder writes JSON as the files have it.
func encoder(w io.Writer) *json.Encoder {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e
}
