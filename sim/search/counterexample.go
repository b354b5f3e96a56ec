package search

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"runtime"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/internal/jsonfile"
	"github.com/wtsim/wtsim/internal/version"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// Format is the counterexample format that this version reads and writes.
const Format = "wtsim-counterexample/1"

// Counterexample is a schedule that violates a property, as a file: a person
// can read it, delete a deviation, and replay what is left.
type Counterexample struct {
	Format     string             `json:"format"`
	Scenario   string             `json:"scenario"`
	Seed       uint64             `json:"seed,omitempty"`
	Inputs     json.RawMessage    `json:"inputs"`
	Deviations scheduler.Plan     `json:"deviations"`
	Violation  *ViolationIdentity `json:"violation,omitempty"`
	TraceHash  string             `json:"trace_hash"`
	Wtsim      string             `json:"wtsim"`
	Go         string             `json:"go"`
	Runtime    string             `json:"runtime,omitempty"` // see [sim.Result.Runtime]
}

// ViolationIdentity names a violation.
type ViolationIdentity struct {
	Property  string            `json:"property"`
	Binding   monitor.Binding   `json:"-"`
	Bound     json.RawMessage   `json:"binding"`
	Certainty monitor.Certainty `json:"certainty,omitempty"`
}

// NewCounterexample describes the result of a violating run.
func NewCounterexample(s *sim.Simulation, seed uint64, r *sim.Result) *Counterexample {
	c := &Counterexample{
		Format: Format, Scenario: s.Scenario().Name, Seed: seed, Inputs: json.RawMessage("{}"),
		Deviations: r.Record.Plan, TraceHash: r.Hash, Wtsim: version.Wtsim(), Go: runtime.Version(), Runtime: r.Runtime,
	}
	if c.Deviations == nil {
		c.Deviations = scheduler.Plan{}
	}
	if inputs := s.Scenario().Inputs; inputs != nil {
		if raw, err := json.Marshal(inputs); err == nil {
			c.Inputs = raw
		}
	}
	if r.Violation != nil {
		c.Violation = &ViolationIdentity{Property: r.Violation.Property, Bound: bindingJSON(r.Violation.Binding)}
	}
	return c
}

func bindingJSON(b monitor.Binding) json.RawMessage {
	raw, err := b.MarshalJSON()
	if err != nil {
		return json.RawMessage("{}")
	}
	return raw
}

// Same reports whether a run shows the violation and the trace of the file.
func (c *Counterexample) Same(r *sim.Result) bool {
	return c.TraceHash == r.Hash && c.SameViolation(r)
}

// SameViolation reports whether a run shows the violation of the file: the
// property and the binding.
func (c *Counterexample) SameViolation(r *sim.Result) bool {
	if c.Violation == nil || r.Violation == nil {
		return c.Violation == nil && r.Violation == nil
	}
	var mine, theirs bytes.Buffer
	if json.Compact(&mine, c.Violation.Bound) != nil || json.Compact(&theirs, bindingJSON(r.Violation.Binding)) != nil {
		return false
	}
	return c.Violation.Property == r.Violation.Property && bytes.Equal(mine.Bytes(), theirs.Bytes())
}

// Write writes the file; see [jsonfile.Write].
func (c *Counterexample) Write(path string) error { return jsonfile.Write(path, c) }

// ReadCounterexample reads and checks a file. The error is one line: the
// place, the fact, and what was wanted.
func ReadCounterexample(path string) (*Counterexample, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // some editors put it there
	var head struct{ Format *string }
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("%s: not a counterexample: %w; wanted the JSON that `wtsim run` writes", path, jsonfile.Describe(data, err))
	}
	if head.Format == nil {
		return nil, fmt.Errorf("%s: \"format\" is missing, wanted %q", path, Format)
	}
	if *head.Format != Format {
		return nil, fmt.Errorf("%s: format is %q, wanted %q; use the version of wtsim that wrote it", path, *head.Format, Format)
	}
	c := &Counterexample{}
	if err := json.Unmarshal(data, c); err != nil {
		return nil, fmt.Errorf("%s: %w", path, jsonfile.Describe(data, err))
	}
	if c.Scenario == "" {
		return nil, fmt.Errorf("%s: \"scenario\" is missing, wanted a scenario's name", path)
	}
	if err := c.Deviations.Validate(cloud.IsKind); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}
