package sim_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/report"
	"github.com/wtsim/wtsim/sim/search"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata; read the diff")

// Each deviation kind does what its documentation says: testdata/*.txt hold
// plans and the traces that are expected of them, a line a step: virtual
// time, identity, deviation, result, events. See [example] for the scenarios.
//
//	run <scenario> [(patched runtime)]
//	<identity> -> <kind> [<parameter>]
//	----
//	<trace>
func TestText(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { checkFile(t, file) })
	}
}

// onPatched marks a run that plain Go does not repeat, or repeats with other
// random numbers: make check has it on the patched runtime.
const onPatched = " (patched runtime)"

func checkFile(t *testing.T, file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	defer search.Steady()() // as a search is
	var out strings.Builder
	for _, block := range strings.Split(strings.TrimSpace(string(data)), "\n\n") {
		question, want, isCase := strings.Cut(block, "\n----")
		if !isCase {
			out.WriteString(block + "\n\n")
			continue
		}
		want = strings.TrimSpace(want)
		if first, _, _ := strings.Cut(question, "\n"); strings.HasSuffix(first, onPatched) && sim.RuntimeName() != sim.Patched {
			out.WriteString(question + "\n----\n" + want + "\n\n")
			continue
		}
		got := answerCase(t, question)
		if !*update && got != want {
			t.Errorf("%s\n%s\ngot:\n%s\nwant:\n%s", file, question, got, want)
		}
		out.WriteString(question + "\n----\n" + got + "\n\n")
	}
	if *update {
		if err := os.WriteFile(file, []byte(strings.TrimSpace(out.String())+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// answerCase runs one plan, twice.
func answerCase(t *testing.T, question string) string {
	t.Helper()
	name, lines, _ := strings.Cut(question, "\n")
	var plan scheduler.Plan
	for _, line := range strings.Split(lines, "\n") {
		at, option, ok := strings.Cut(line, " -> ")
		if !ok {
			continue
		}
		do, with, _ := strings.Cut(option, " ")
		plan = append(plan, scheduler.Deviation{At: at, Do: do, With: with})
	}
	s := compile(t, example(t, strings.TrimSuffix(strings.TrimPrefix(name, "run "), onPatched)))
	r := s.Run(scheduler.NewReplay(plan))
	if again := s.Run(scheduler.NewReplay(plan)); again.Hash != r.Hash {
		t.Errorf("%s: the second run differs: %s", name, report.FirstDifference(r, again))
	}
	var b strings.Builder
	b.WriteString(strings.TrimSpace(trace(r)))
	for _, d := range r.Record.Plan {
		fmt.Fprintf(&b, "\nnote: %s", d.Note)
	}
	return b.String()
}
