package simtest

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/sim"
)

// drawn is a scenario that draws one to five clients, of whose requests two
// are allowed.
func drawn() sim.Scenario {
	s := tiny(0, 2)
	s.Faults.Kinds = []string{cloud.RunOther}
	s.Generate = func(in *sim.Inputs, s *sim.Scenario) {
		in.List("clients", 1, 5, func(k int, in *sim.Inputs) {
			path := fmt.Sprint("/", in.Int("n", 0, 9))
			s.Clients = append(s.Clients, sim.Client{Name: fmt.Sprint("client-", k+1), Requests: []sim.Request{{Function: "hit", Path: path}}})
		})
	}
	return s
}

// Inputs that the scenario draws shrink, are told, and come back from the
// file; those of the test's seed are run by -wtsim.seed.
func TestCheckDraws(t *testing.T) {
	fresh(t)
	const smallest = `inputs: {"clients":[{"n":0},{"n":0},{"n":0}]}`
	recordCheck(t, "TestDrawn", drawn()).wantFailure(t, tooManyHits, "found in schedule ", smallest, "hit #3", "VIOLATED")
	recordCheck(t, "TestDrawn", drawn()).wantFailure(t, tooManyHits, "replayed from ", ", to the same trace:", smallest)
	setFlag(t, "wtsim.seed", "1")
	seed, err := compile(t, drawn()).Drawn(1)
	if err != nil {
		t.Fatal(err)
	}
	n := strings.Count(compact(inputs(seed)), `"n"`)
	if r := recordCheck(t, "TestSeed", drawn()); r.failed != (n > 2) {
		t.Errorf("seed 1 draws %d clients; failed %t: %s", n, r.failed, r.log())
	}
}

// Under rapid a run that is not repeatable is told, not shrunk.
func TestRunNotRepeatable(t *testing.T) {
	fresh(t)
	r := recordRapid(t, "TestUnsteady", func(rt *rapid.T) {
		rapid.IntRange(1, 6).Draw(rt, "n")
		Run(rt, unsteady())
	})
	if len(r.errors) != 1 || !strings.Contains(r.errors[0], "not repeatable: invocation hit #1: after its start the events were ") || strings.Contains(r.errors[0], "flaky") {
		t.Errorf("failed with %q", r.errors)
	}
	wantFiles(t)

	held := recordRapid(t, "TestUnsteadyHeld", func(rt *rapid.T) {
		s := unsteady()
		s.Properties = nil
		Run(rt, s)
	})
	if len(held.errors) != 1 || !strings.Contains(held.errors[0], "not repeatable: invocation hit #1: after its start the events were ") {
		t.Errorf("one that holds failed with %q", held.errors)
	}
}

// A shrink of rapid's that meets a run that is not repeatable stops there, and
// says so.
func TestRunShrinkMeetsNondeterminism(t *testing.T) {
	fresh(t)
	n := 0
	r := recordRapid(t, "TestParted", func(rt *rapid.T) {
		clients := rapid.IntRange(3, 40).Draw(rt, "clients")
		s := tiny(clients, 0)
		if clients < 10 {
			s.Functions = []sim.Function{hit(func() map[string]any { n++; return map[string]any{"n": n} })}
		}
		Run(rt, s)
	})
	r.wantRapid(t, tooManyHits, "the inputs may not be minimal: with smaller ones a run is not repeatable: invocation hit #1: ", "the benign schedule violates")
}
