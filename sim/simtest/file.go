package simtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/wtsim/wtsim/internal/jsonfile"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// folder holds the counterexamples of a package's tests.
const folder = "testdata/wtsim"

// testFile is where a counterexample of a test goes, if the name is free.
func testFile(test string, number any) string {
	return filepath.Join(folder, fmt.Sprintf("%s-%v.json", fileName(test), number))
}

// fileName makes a test's name one of a file: slashes, and what a shell, a
// glob pattern or a file system takes otherwise, become a dash.
func fileName(test string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_.=+,-", r) {
			return r
		}
		return '-'
	}, test)
}

// save writes a counterexample to a free path, and returns it. One that is
// there already is not written again.
func save(path string, c *search.Counterexample) (string, error) {
	if old, err := search.ReadCounterexample(path); err == nil && equal(old, c) {
		return path, nil
	}
	path = jsonfile.FreePath(path)
	return path, c.Write(path)
}

func equal(a, b *search.Counterexample) bool {
	return a.Scenario == b.Scenario && a.TraceHash == b.TraceHash && slices.Equal(a.Deviations, b.Deviations) &&
		sameJSON(a.Inputs, b.Inputs)
}

// sameInputs reports whether a file was made from the scenario's inputs.
func sameInputs(c *search.Counterexample, s search.Subject) bool {
	return sameJSON(c.Inputs, inputs(s))
}

// inputs are a scenario's, as a file has them.
func inputs(s search.Subject) json.RawMessage {
	return search.NewCounterexample(s.Simulation, 0, &sim.Result{Record: &scheduler.Record{}}).Inputs
}

// sameJSON compares values, not their spelling. None is as an empty object.
func sameJSON(a, b json.RawMessage) bool {
	decode := func(raw json.RawMessage) (v any) {
		if len(raw) == 0 || json.Unmarshal(raw, &v) != nil {
			return map[string]any{}
		}
		return v
	}
	return bytes.Equal(a, b) || reflect.DeepEqual(decode(a), decode(b))
}

func compact(raw json.RawMessage) string {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return string(raw)
	}
	return b.String()
}
