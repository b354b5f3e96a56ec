package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/internal/wholefile"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/scheduler"
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
	Runtime    string             `json:"runtime,omitempty"` // see [Result.Runtime]
}

// ViolationIdentity names a violation.
type ViolationIdentity struct {
	Property  string            `json:"property"`
	Binding   monitor.Binding   `json:"-"`
	Bound     json.RawMessage   `json:"binding"`
	Certainty monitor.Certainty `json:"certainty,omitempty"`
}

// NewCounterexample describes the result of a violating run.
func NewCounterexample(s *Simulation, seed uint64, r *Result) *Counterexample {
	c := &Counterexample{
		Format: Format, Scenario: s.scenario.Name, Seed: seed, Inputs: json.RawMessage("{}"),
		Deviations: r.Record.Plan, TraceHash: r.Hash, Wtsim: Version(), Go: runtime.Version(), Runtime: r.Runtime,
	}
	if c.Deviations == nil {
		c.Deviations = scheduler.Plan{}
	}
	if s.scenario.Inputs != nil {
		if raw, err := json.Marshal(s.scenario.Inputs); err == nil {
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
func (c *Counterexample) Same(r *Result) bool {
	return c.TraceHash == r.Hash && c.SameViolation(r)
}

// SameViolation reports whether a run shows the violation of the file: the
// property and the binding.
func (c *Counterexample) SameViolation(r *Result) bool {
	if c.Violation == nil || r.Violation == nil {
		return c.Violation == nil && r.Violation == nil
	}
	var mine, theirs bytes.Buffer
	if json.Compact(&mine, c.Violation.Bound) != nil || json.Compact(&theirs, bindingJSON(r.Violation.Binding)) != nil {
		return false
	}
	return c.Violation.Property == r.Violation.Property && bytes.Equal(mine.Bytes(), theirs.Bytes())
}

// Write writes the file; see [WriteFile].
func (c *Counterexample) Write(path string) error { return WriteFile(path, c) }

// WriteFile writes a value as JSON for people, in a folder that it makes where
// there is none. A reader never sees half of it.
func WriteFile(path string, v any) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return wholefile.Write(path, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", " ")
		return e.Encode(v)
	})
}

// FreePath returns path, or the first of path-2, path-3, ... (before the
// extension) that does not exist yet, as far as that can be told.
func FreePath(path string) string {
	ext := filepath.Ext(path)
	base := strings.TrimSuffix(path, ext)
	for n := 2; ; n++ {
		if _, err := os.Lstat(path); err != nil { // writing it will tell what is wrong otherwise
			return path
		}
		path = fmt.Sprintf("%s-%d%s", base, n, ext)
	}
}

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
		return nil, fmt.Errorf("%s: not a counterexample: %w; wanted the JSON that `wtsim run` writes", path, DescribeJSON(data, err))
	}
	if head.Format == nil {
		return nil, fmt.Errorf("%s: \"format\" is missing, wanted %q", path, Format)
	}
	if *head.Format != Format {
		return nil, fmt.Errorf("%s: format is %q, wanted %q; use the version of wtsim that wrote it", path, *head.Format, Format)
	}
	c := &Counterexample{}
	if err := json.Unmarshal(data, c); err != nil {
		return nil, fmt.Errorf("%s: %w", path, DescribeJSON(data, err))
	}
	if c.Scenario == "" {
		return nil, fmt.Errorf("%s: \"scenario\" is missing, wanted a scenario's name", path)
	}
	if err := c.Deviations.Validate(cloud.IsKind); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// DescribeJSON says for people, of an error of package json, where in data
// it is and what was wanted there.
func DescribeJSON(data []byte, err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("line %d: %w", line(data, syntax.Offset), err)
	case errors.As(err, &kind) && kind.Field == "":
		return fmt.Errorf("line %d: %s, wanted %s", line(data, kind.Offset), a(kind.Value), wantedJSON(kind.Type))
	case errors.As(err, &kind):
		return fmt.Errorf("line %d: %q is %s, wanted %s", line(data, kind.Offset), kind.Field, a(kind.Value), wantedJSON(kind.Type))
	}
	return err
}

// a puts the article before what package json names a value.
func a(value string) string {
	if strings.HasPrefix(value, "array") || strings.HasPrefix(value, "object") {
		return "an " + value
	}
	return "a " + value
}

// wantedJSON names what a Go type is in JSON.
func wantedJSON(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number from 0 on"
	}
	return "a whole number"
}

func line(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:max(0, min(int(offset), len(data))-1)], []byte("\n"))
}

// Version is the version of wtsim that runs.
func Version() string {
	const module = "github.com/wtsim/wtsim"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if info.Main.Path == module {
		return known(info.Main.Version)
	}
	for _, d := range info.Deps {
		if d.Path == module {
			return known(d.Version)
		}
	}
	return "devel"
}

func known(version string) string {
	if version == "" || version == "(devel)" {
		return "devel"
	}
	return version
}
