package scenarios

import (
	"context"
	"slices"
	"testing"

	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// noticedLate are guarantees whose lack takes more schedules to notice, by test.
var noticedLate = map[string]int{
	// On the patched runtime: one tick of four has to fail, and nothing else.
	"TestReliedOn/patterns/dualwrite_without_scheduler/retries": 2000,
	// Two have to write the record of one place at once, and there are several places.
	"TestReliedOn/function/shares_without_redis/scripts": 2000,
}

// What a scenario says it relies on is what keeps its properties: without it
// one of them is violated, within as many schedules as `wtsim mutate` searches.
// (That it holds with it is [TestExpectations].)
func TestReliedOn(t *testing.T) {
	for _, s := range here() {
		for _, guarantee := range s.Relies {
			t.Run(s.Name+" without "+guarantee, func(t *testing.T) {
				whole, err := sim.Compile(s)
				if err != nil {
					t.Fatal(err)
				}
				weak, err := whole.Without(guarantee)
				if err != nil {
					t.Fatal(err)
				}
				schedules := 300
				if n, ok := noticedLate[t.Name()]; ok {
					schedules = n
				}
				found, err := search.Subject{Simulation: weak}.Search(context.Background(), search.Options{Schedules: schedules})
				if err != nil {
					t.Fatal(err)
				}
				if found.Result == nil {
					t.Fatalf("no property notices in %d schedules", found.Ran)
				}
				violated := found.Result.Violation.Property
				if !slices.ContainsFunc(s.Properties, func(p *props.Property) bool { return p.Name() == violated }) {
					t.Errorf("%q is violated, wanted a property of the scenario's own", violated)
				}
			})
		}
	}
}

// relyOnNothing are repairs that no guarantee of the world has a part in.
var relyOnNothing = map[string]string{
	"patterns/warmleak":       "each invocation has a file of its own",
	"patterns/lockorder":      "rows are locked in one order: that they are locked is what goes wrong without",
	"patterns/oldsecret":      "who is refused asks for the password again: it is no promise of the world that has it be the new one",
	"patterns/missedchange":   "no guarantee that can be taken away has a listener see what is there",
	"patterns/maybecommitted": "what has become of a booking is looked up, and nobody else books it",
	"patterns/unprocessed":    "what is left of a batch is sent again until nothing is",
	"patterns/stuckrecord":    "its property is about what is never done; that nothing is done twice is that of patterns/expiredclaim",
	"patterns/lateexpiry":     "whether a code's time is over is looked at by who reads it",
	"patterns/frozen":         "a function does all that it has begun before it returns",
}

// Every repair of the catalogue says what it relies on.
func TestRepairsRely(t *testing.T) {
	for _, s := range patterns.All() {
		if _, nothing := relyOnNothing[s.Name]; !s.Expect.Violation && nothing == (len(s.Relies) > 0) {
			t.Errorf("%s relies on %q, wanted what its repair needs, or a reason in relyOnNothing", s.Name, s.Relies)
		}
	}
}
