package simtest

import (
	"strings"
	"testing"

	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// Expect holds a scenario against what it declares in its Expect; it is for
// those who write scenarios with known bugs.
//
// A scenario that expects nothing is checked as by [Check]. Otherwise a search
// of -wtsim.schedules schedules (default 1000, also with -short) must find a
// violation that repeats, whose smallest counterexample has exactly
// Expect.Deviations deviations, none of which can be left out; and there must
// be none among all schedules with fewer. No file is written. With
// -wtsim.replay or -wtsim.seed it is Check.
func Expect(t testing.TB, scenario sim.Scenario) {
	t.Helper()
	if !scenario.Expect.Violation || *replayFile != "" || *seed != 0 {
		Check(t, scenario)
		return
	}
	c := newCheck(t, scenario)
	defer search.Steady()()
	n := 1000
	if *scheduleFlag != 0 {
		n = int(*scheduleFlag)
	}
	found := c.look(search.Options{Schedules: n})
	if found.Result == nil {
		c.expectRepeatable(found)
		t.Fatalf("no violation in %d schedules, wanted one of %s", found.Ran, deviations(scenario.Expect.Deviations))
	}
	c.subject = found.Subject
	shrunk := c.reduce(found.Result)
	small := shrunk.Result
	c.expectSize(shrunk, small)
	c.expectNoSmaller()
	t.Logf("%v: %s", small.Violation, strings.TrimSuffix(foundIn(found.Number, shrunk), ":"))
}

func (c *check) expectSize(shrunk search.Shrunk, small *sim.Result) {
	c.t.Helper()
	want := c.subject.Scenario().Expect.Deviations
	if n := len(shrunk.Plan); n != want || !shrunk.Minimal {
		c.t.Fatalf("the counterexample has %s (minimal: %t), wanted %d:\n%s", deviations(n), shrunk.Minimal, want, numbered(small))
	}
}

// expectNoSmaller runs every schedule with fewer deviations than expected.
func (c *check) expectNoSmaller() {
	c.t.Helper()
	bound := c.subject.Scenario().Expect.Deviations - 1
	if bound < 0 {
		return
	}
	found := c.look(search.Options{Strategy: "bounded", Bound: bound})
	switch {
	case found.Result != nil:
		c.t.Fatalf("%v with %s, wanted no violation with fewer than %d:\n%s",
			found.Result.Violation, deviations(len(found.Result.Record.Plan)), bound+1, numbered(found.Result))
	case found.Unrepeatable != nil:
		c.expectRepeatable(found)
	case found.Inconclusive != nil:
		c.t.Fatal("inconclusive: " + found.Inconclusive.Why)
	case !found.Complete:
		c.t.Fatalf("inconclusive: the test's time was up after %d schedules with at most %s", found.Ran, deviations(bound))
	}
}

func (c *check) expectRepeatable(found search.Found) {
	c.t.Helper()
	if found.Unrepeatable != nil {
		c.t.Fatal(notRepeatable + found.Unrepeatable.Difference)
	}
}
