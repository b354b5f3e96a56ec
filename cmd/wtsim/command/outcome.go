package command

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search/workers"
)

// outcome is the object that `run` and `replay` print with --json.
type outcome struct {
	Kind            string          `json:"kind"` // "result"
	Scenario        string          `json:"scenario"`
	Verdict         sim.Verdict     `json:"verdict"`
	Why             string          `json:"why,omitempty"`
	Schedules       int             `json:"schedules,omitempty"`
	Complete        *bool           `json:"complete,omitempty"`
	Seed            uint64          `json:"seed,omitempty"`
	Strategy        string          `json:"strategy,omitempty"`
	Violation       *violationShort `json:"violation,omitempty"`
	FoundDeviations *int            `json:"found_deviations,omitempty"`
	Deviations      []string        `json:"deviations,omitzero"` // none at all is of a violation in the benign schedule
	Inputs          json.RawMessage `json:"inputs,omitempty"`    // of a scenario that draws them

	// Of a search:
	Shard string `json:"shard,omitempty"` // "2/3"
	workers.Statistics

	Matches        *bool     `json:"matches,omitempty"`
	Unmatched      *[]string `json:"unmatched,omitempty"`
	Difference     string    `json:"difference,omitempty"` // of a replay that does not match, for people
	Counterexample string    `json:"counterexample,omitempty"`
	TraceHash      string    `json:"trace_hash,omitempty"`
	Stack          string    `json:"stack,omitempty"`
	Runtime        string    `json:"runtime,omitempty"` // see [sim.Result.Runtime]
	ElapsedNS      int64     `json:"elapsed_ns"`
}

// outcomeOf is the end of a search, without what was found.
func outcomeOf(scenario string, e *workers.End) outcome {
	return outcome{Scenario: scenario, Verdict: e.Verdict, Why: e.Why, Schedules: e.Schedules, Complete: &e.Complete,
		Inputs: e.Inputs, Statistics: e.Statistics, ElapsedNS: e.Elapsed.Nanoseconds()}
}

// violationShort is a violation in an outcome.
type violationShort struct {
	Property  string            `json:"property"`
	Binding   json.RawMessage   `json:"binding"`
	Certainty monitor.Certainty `json:"certainty"`
	Detail    string            `json:"detail,omitempty"`
}

func shortOf(v *monitor.Violation) *violationShort {
	if v == nil {
		return nil
	}
	binding, err := v.Binding.MarshalJSON()
	if err != nil {
		binding = []byte("{}")
	}
	return &violationShort{Property: v.Property, Binding: binding, Certainty: v.Certainty, Detail: v.Detail}
}

// encoder writes JSON as the files have it.
func encoder(w io.Writer) *json.Encoder {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e
}

func (o outcome) print(w io.Writer) error {
	o.Kind, o.Runtime = "result", sim.RuntimeName()
	return encoder(w).Encode(o)
}

// seen is what a search has seen, for people.
func (o outcome) seen() string {
	s := fmt.Sprintf("%d distinct behaviours", o.Behaviours)
	if o.Pruned > 0 {
		s += fmt.Sprintf(", %d plans left out that lead where others have been", o.Pruned)
	}
	if time.Duration(o.ElapsedNS) >= 10*time.Second { // of less it says little
		s += fmt.Sprintf(", %.0f schedules/s", o.PerSecond)
	}
	if o.Coverable > 0 {
		s += fmt.Sprintf("\nof each effect: crash before, crash after, response lost, redelivered: %d of %d cases covered", o.Covered, o.Coverable)
	}
	return s
}

// nothingText tells a search that has found nothing.
func (o outcome) nothingText(bound int) string {
	var w strings.Builder
	fmt.Fprintln(&w, o.sentence(bound))
	tellInputs(&w, o)
	fmt.Fprintln(&w, o.seen())
	return w.String()
}

// atMost says what schedules a bound leaves.
func atMost(bound int) string {
	if bound == unbounded {
		return ""
	}
	return " with at most " + deviations(bound)
}

func deviations(n int) string {
	if n == 1 {
		return "1 deviation"
	}
	return fmt.Sprintf("%d deviations", n)
}

// sentence is the verdict of a search for people.
func (o outcome) sentence(bound int) string {
	switch {
	case o.Verdict == sim.Held && o.Shard != "":
		return fmt.Sprintf("%s: no violation in the %d schedules of shard %s; wtsim merge puts the shards together", o.Scenario, o.Schedules, o.Shard)
	case o.Verdict == sim.Held && o.Complete != nil && *o.Complete:
		return fmt.Sprintf("%s: holds under every schedule%s (%d of %d)", o.Scenario, atMost(bound), o.Schedules, o.Schedules)
	case o.Verdict == sim.Held:
		return fmt.Sprintf("%s: no violation in %d schedules", o.Scenario, o.Schedules)
	}
	return fmt.Sprintf("%s: inconclusive after %d schedules: %s", o.Scenario, o.Schedules, o.Why)
}
