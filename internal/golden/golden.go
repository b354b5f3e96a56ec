// Package golden holds trace hashes of scenarios in a file, so that a change
// that is to change no behaviour can be seen to change none.
//
// A line of the file is one scenario on one runtime: its name, the runtime,
// and for the benign run and each seed of the random strategy the first letter
// of the verdict with the beginning of the trace hash.
package golden

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// Seeds is how many seeds of each scenario a table has.
const Seeds = 20

// UpdateVariable, set to anything, makes [Check] write the lines of this
// process's runtime anew. Nobody uses it without reading the difference.
const UpdateVariable = "WTSIM_GOLDEN_UPDATE"

// Check compares scenarios with their lines in a file and returns a sentence
// for each that differs. The error is a file that cannot be read or written.
func Check(file string, scenarios []sim.Scenario) ([]string, error) {
	want, err := read(file)
	if err != nil {
		return nil, err
	}
	got := map[string]string{}
	for _, s := range scenarios {
		if s.Missing() != "" { // what is not there cannot differ
			key := keyOf(s)
			got[key] = want[key]
			continue
		}
		key, hashes, err := line(s)
		if err != nil {
			return nil, err
		}
		if _, twice := got[key]; twice {
			return nil, fmt.Errorf("two scenarios of the table are named %q, wanted a name for each", s.Name)
		}
		got[key] = hashes
	}
	if os.Getenv(UpdateVariable) != "" {
		return nil, update(file, want, got)
	}
	return compare(want, got), nil
}

// line runs a scenario and returns its key and its hashes.
func line(s sim.Scenario) (key, hashes string, err error) {
	compiled, err := sim.Compile(s)
	if err != nil {
		return "", "", err
	}
	parts := []string{short(compiled.Run(scheduler.Benign{}))}
	for seed := uint64(1); seed <= Seeds; seed++ {
		parts = append(parts, short(compiled.Run(scheduler.NewRandom(seed))))
	}
	return keyOf(s), strings.Join(parts, " "), nil
}

// keyOf is how a scenario on this runtime begins its line.
func keyOf(s sim.Scenario) string { return strings.ReplaceAll(s.Name, " ", "_") + " " + runtime() }

func short(r *sim.Result) string { return string(r.Verdict[:1]) + r.Hash[:8] }

func runtime() string {
	if name := sim.RuntimeName(); name != "" {
		return name
	}
	return "plain"
}

func read(file string) (map[string]string, error) {
	text, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	lines := map[string]string{}
	for l := range strings.Lines(string(text)) {
		if f := strings.SplitN(strings.TrimSpace(l), " ", 3); len(f) == 3 {
			lines[f[0]+" "+f[1]] = f[2]
		}
	}
	return lines, nil
}

// update replaces this runtime's lines, and keeps the other's.
func update(file string, want, got map[string]string) error {
	var lines []string
	for key, hashes := range got { //wtsim:order sorted below
		lines = append(lines, key+" "+hashes)
	}
	for key, hashes := range want { //wtsim:order sorted below
		if !strings.HasSuffix(key, " "+runtime()) {
			lines = append(lines, key+" "+hashes)
		}
	}
	slices.Sort(lines)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o644)
}

func compare(want, got map[string]string) []string {
	var out []string
	for key, hashes := range got { //wtsim:order sorted below
		switch w, ok := want[key]; {
		case !ok:
			out = append(out, key+": it is not in the table")
		case w != hashes:
			out = append(out, key+": "+firstDifference(strings.Fields(w), strings.Fields(hashes)))
		}
	}
	for key := range want { //wtsim:order sorted below
		if _, ok := got[key]; !ok && strings.HasSuffix(key, " "+runtime()) {
			out = append(out, key+": it is in the table and was not run")
		}
	}
	slices.Sort(out)
	return out
}

func firstDifference(want, got []string) string {
	n, first := 0, -1
	for i, h := range got {
		if i >= len(want) || want[i] != h {
			if n++; first < 0 {
				first = i
			}
		}
	}
	if first < 0 || first >= len(want) {
		return fmt.Sprintf("it has %d runs, the table %d", len(got), len(want))
	}
	return fmt.Sprintf("%d of %d runs differ, the first is that of seed %d (0: benign): got %s, want %s", n, len(got), first, got[first], want[first])
}
