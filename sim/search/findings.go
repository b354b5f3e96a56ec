package search

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/internal/jsonfile"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// FindingsFormat is the format of a file of findings that this version reads
// and writes.
const FindingsFormat = "wtsim-findings/1"

// Findings are what a team knows of its scenarios' violations, as a file that
// it keeps. Two violations are one finding if they are of one scenario and
// property, bind the same variables to values of the same types, and take the
// same kinds of deviations: the seed, the values and the places do not count.
type Findings struct {
	Format   string     `json:"format"`
	Findings []*Finding `json:"findings"` // in order

	path string
}

// Finding is a violation that is known.
type Finding struct {
	Scenario   string            `json:"scenario"`
	Property   string            `json:"property"`
	Binding    map[string]string `json:"binding"` // variables, each with the type of its value
	Kinds      []string          `json:"kinds"`   // of the deviations, in order of name
	Fixed      bool              `json:"fixed"`   // its plan holds
	Inputs     json.RawMessage   `json:"inputs"`
	Deviations scheduler.Plan    `json:"deviations"`
}

// Standing is how a finding stands beside what was known.
type Standing string

// The standings.
const (
	New       Standing = "new"       // it was not known
	Ongoing   Standing = "ongoing"   // it was known, and still violates
	Fixed     Standing = "fixed"     // it was known, and its plan holds
	Regressed Standing = "regressed" // it was fixed, and violates again
	Unclear   Standing = "unclear"   // it was known; its plan holds, but not all of it occurs any more, or could not be judged
)

// Stands is a finding and how it stands.
type Stands struct {
	Standing Standing `json:"standing"`
	*Finding
	Result *sim.Result `json:"-"` // of a plan that was replayed, and violates; else nil
}

// String tells it on a line.
func (s Stands) String() string {
	text := fmt.Sprintf("%s: property %q", s.Standing, s.Property)
	if len(s.Binding) > 0 {
		text += " for " + strings.Join(slices.Sorted(maps.Keys(s.Binding)), ", ")
	}
	if len(s.Kinds) > 0 {
		text += " by " + strings.Join(s.Kinds, ", ")
	}
	return text
}

// ReadFindings reads a file of findings; one that is not there has none.
func ReadFindings(path string) (*Findings, error) {
	f := &Findings{Format: FindingsFormat, Findings: []*Finding{}, path: path}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, f); err != nil {
		return nil, fmt.Errorf("%s: not a file of findings: %w", path, jsonfile.Describe(data, err))
	}
	if f.Format != FindingsFormat {
		return nil, fmt.Errorf("%s: format is %q, wanted %q", path, f.Format, FindingsFormat)
	}
	for i, x := range f.Findings {
		if x == nil || x.Scenario == "" || x.Property == "" {
			return nil, fmt.Errorf("%s: findings[%d]: \"scenario\" or \"property\" is missing", path, i)
		}
		if err := x.Deviations.Validate(cloud.IsKind); err != nil {
			return nil, fmt.Errorf("%s: findings[%d]: %w", path, i, err)
		}
	}
	return f, nil
}

// Write writes the file.
func (f *Findings) Write() error { return jsonfile.Write(f.path, f) }

// Update takes in the counterexamples of a search, and replays what else is
// known of its scenario. It returns how each finding stands, in the file's order.
func (f *Findings) Update(s Subject, found ...*Counterexample) (all []Stands) {
	noted := map[*Finding]Standing{}
	for _, c := range found {
		if c != nil && c.Violation != nil {
			x, standing := f.note(c)
			noted[x] = standing
		}
	}
	for _, x := range f.Findings {
		switch standing, ok := noted[x]; {
		case ok:
			all = append(all, Stands{standing, x, nil})
		case x.Scenario == s.Scenario().Name:
			all = append(all, x.replayed(s))
		}
	}
	return all
}

// note takes in a counterexample.
func (f *Findings) note(c *Counterexample) (*Finding, Standing) {
	now := findingOf(c)
	for _, x := range f.Findings {
		if x.key() != now.key() {
			continue
		}
		standing := Ongoing
		if x.Fixed {
			standing = Regressed
		}
		*x = *now
		return x, standing
	}
	f.Findings = append(f.Findings, now)
	slices.SortStableFunc(f.Findings, func(a, b *Finding) int { return strings.Compare(a.key(), b.key()) })
	return now, New
}

func findingOf(c *Counterexample) *Finding {
	x := &Finding{Scenario: c.Scenario, Property: c.Violation.Property, Binding: shape(c.Violation.Bound), Kinds: []string{}, Inputs: c.Inputs, Deviations: c.Deviations}
	for _, d := range c.Deviations {
		x.Kinds = append(x.Kinds, d.Do)
	}
	slices.Sort(x.Kinds)
	return x
}

// key is equal for violations that are one finding.
func (x *Finding) key() string {
	parts := []string{x.Scenario, x.Property}
	for _, name := range slices.Sorted(maps.Keys(x.Binding)) {
		parts = append(parts, name+" "+x.Binding[name])
	}
	return strings.Join(append(parts, x.Kinds...), "\x00")
}

// shape is a binding without its values.
func shape(binding json.RawMessage) map[string]string {
	var values map[string]json.RawMessage
	out := map[string]string{}
	if json.Unmarshal(binding, &values) != nil {
		return out
	}
	for name, v := range values { //wtsim:order a map to a map
		switch v[0] {
		case '"':
			out[name] = "string"
		case 't', 'f':
			out[name] = "boolean"
		default:
			out[name] = "number"
		}
	}
	return out
}

// replayed replays the plan of a finding, and notes whether it is fixed.
func (x *Finding) replayed(s Subject) Stands {
	out := Stands{Unclear, x, nil}
	drawn, err := s.With(x.Inputs)
	if err != nil {
		return out // the scenario has no such inputs any more
	}
	r := drawn.Run(scheduler.NewReplay(x.Deviations))
	switch {
	case r.Verdict == sim.Violated && r.Violation.Property == x.Property:
		out.Standing, out.Result = Ongoing, r
		if x.Fixed {
			out.Standing = Regressed
		}
		x.Fixed = false
	case r.Verdict == sim.Held && len(r.Unmatched) == 0:
		out.Standing, x.Fixed = Fixed, true
	}
	return out
}

// ViolatesNow is the first of them that violates when it is replayed: nil if
// none does. Those that the search itself has found are told by it.
func ViolatesNow(all []Stands) *Stands {
	for i := range all {
		if all[i].Result != nil {
			return &all[i]
		}
	}
	return nil
}
