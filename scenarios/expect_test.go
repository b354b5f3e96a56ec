package scenarios

import (
	"context"
	"flag"
	"slices"
	"testing"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
	"github.com/wtsim/wtsim/sim/simtest"
)

// here are the scenarios that this machine has all programs for: without a PostgreSQL,
// not those that rest on one. ([TestExpectations] tells which are skipped.)
func here() []sim.Scenario {
	return slices.DeleteFunc(All(), func(s sim.Scenario) bool { return s.Missing() != "" })
}

// Every scenario does what it declares: a bug is found, shrinks to as many
// deviations as it says, and not to fewer, since every schedule with fewer
// holds; what is expected to hold does.
//
// What holds is searched for 300 schedules here, unless the flag says otherwise, and for
// 40 000 by [TestSoakHolds].
func TestExpectations(t *testing.T) {
	if schedules := flag.Lookup("wtsim.schedules"); schedules.Value.String() == schedules.DefValue && !testing.Short() {
		if err := schedules.Value.Set("300"); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = schedules.Value.Set(schedules.DefValue) }()
	}
	for _, s := range All() {
		t.Run(s.Name, func(t *testing.T) { simtest.Expect(t, s) })
	}
}

// rare are bugs that a strategy finds late: how many schedules it may take.
var rare = map[string]int{
	// One of 45 steps has to be held, and nothing else may go wrong before the
	// other holder has written.
	"patterns/pausedholder/bug random": 500,
	// A crash has to come between two of a batch's writes.
	"function/state-first portfolio": 500,
	// Of two writes within a second the first's event has to be lost, and nothing
	// may bring it again.
	"patterns/coalesced/bug random": 1000,
	// One of 80 steps has to go wrong: the charge, or what is written after it.
	"boxoffice/expire-paying portfolio": 400, "boxoffice/unreported portfolio": 400,
}

// Each bug is found by the default search and by random schedules within 200,
// unless it is rare.
func TestFoundSoon(t *testing.T) {
	for _, s := range here() {
		if !s.Expect.Violation {
			continue
		}
		for _, strategy := range []string{"portfolio", "random"} {
			most := 200
			if n, ok := rare[s.Name+" "+strategy]; ok {
				most = n
			}
			if found := searched(t, s, search.Options{Strategy: strategy, Schedules: most}); found.Result == nil {
				t.Errorf("%s: not found by %s in %d schedules", s.Name, strategy, most)
			}
		}
	}
}

// The benign run of the example application is long enough to be worth
// searching, and every schedule of it with one deviation holds.
func TestCheckoutSize(t *testing.T) {
	s := All()[0]
	found := searched(t, s, search.Options{Strategy: "bounded", Bound: 1})
	if found.Result != nil || found.Inconclusive != nil || !found.Complete {
		t.Errorf("%s: %+v", s.Name, found)
	}
	if n := len(sim.Run(s, scheduler.Benign{}).Record.Decisions); n < 40 {
		t.Errorf("%s: %d decisions in the benign run, want at least 40", s.Name, n)
	}
}

// long are scenarios that more schedules are run of than of the others: the
// monitor's own pipeline, and the monitor as a function, which say that no violation is
// lost or told twice.
var long = map[string]int{"pipeline": 100_000, "function": 50_000}

// No false alarm: what is expected to hold does, in a million schedules
// together, and in every one with at most two deviations. Part of `make soak`.
func TestSoakHolds(t *testing.T) {
	soaking(t)
	for _, s := range here() {
		if s.Expect.Violation {
			continue
		}
		for _, o := range []search.Options{{Schedules: max(40_000, long[s.Name])}, {Strategy: "bounded", Bound: 2}} {
			if found := searched(t, s, o); found.Result != nil || found.Inconclusive != nil || o.Bound > 0 && !found.Complete {
				t.Errorf("%s: %+v", s.Name, found)
			}
		}
	}
}

func searched(t *testing.T, s sim.Scenario, o search.Options) search.Found {
	t.Helper()
	compiled, err := sim.Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	found, err := search.Subject{Simulation: compiled}.Search(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return found
}
