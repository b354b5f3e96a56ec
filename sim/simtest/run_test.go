package simtest

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/checkout"
	"github.com/wtsim/wtsim/scenarios/checkout/checkoutsim"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

func itoa(n int) string { return strconv.Itoa(n) }

func compile(t *testing.T, s sim.Scenario) search.Subject {
	t.Helper()
	c, err := sim.Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	return of(c)
}

// recordRapid runs a property as a test of that name.
func recordRapid(t *testing.T, name string, property func(*rapid.T)) *recorder {
	t.Helper()
	setFlag(t, "rapid.seed", "1")
	return record(t, name, func(t testing.TB) { rapid.Check(t, property) })
}

// wantRapid expects a rapid test that has failed with the message, and has
// logged the words, in order.
func (r *recorder) wantRapid(t *testing.T, message string, words ...string) {
	t.Helper()
	if len(r.errors) != 1 || !strings.Contains(r.errors[0], ": "+message+"\n") {
		t.Fatalf("failed with %q, wanted %q; it logged\n%s", r.errors, message, r.log())
	}
	wantWords(t, r.log(), words)
}

// Inputs and schedule shrink together: of several customers one is left, and
// of the schedule one deviation.
func TestRunShrinks(t *testing.T) {
	fresh(t)
	variant := checkout.Variant{NoIdempotencyKey: true}
	property := func(rt *rapid.T) {
		names := rapid.SampledFrom([]string{"alice", "bob", "dave"})
		customers := rapid.SliceOfNDistinct(names, 0, 3, rapid.ID[string]).Draw(rt, "customers")
		s := checkoutsim.ScenarioWith(variant, customers)
		s.Faults.Kinds = []string{cloud.LoseResponse} // fewer schedules: a quicker test
		Run(rt, s)
	}
	r := recordRapid(t, "TestOrders", property)
	r.wantRapid(t, doubleCharge, `draw customers: []string{"alice"}`, `for order="o-1"`, "with 1 deviation:", "  1. charge (message 1 of orders, from alice/1)", "VIOLATED",
		"replay:  "+sim.GoTest()+" -run '^TestOrders$' -wtsim.replay testdata/wtsim/TestOrders-rapid.json", doubleCharge)
	wantFiles(t, "TestOrders-rapid.json")
	file, err := search.ReadCounterexample("testdata/wtsim/TestOrders-rapid.json")
	if err != nil {
		t.Fatal(err)
	}
	if got := compact(file.Inputs); got != `{"customers":["alice"]}` || len(file.Deviations) != 1 {
		t.Errorf("the file has the inputs %s and %d deviations", got, len(file.Deviations))
	}

	// rapid's own fail file brings the inputs, ours the schedule.
	setFlag(t, "wtsim.replay", "testdata/wtsim/TestOrders-rapid.json")
	recordRapid(t, "TestOrders", property).wantRapid(t, doubleCharge, `draw customers: []string{"alice"}`, "to the same trace:", "1. charge (message 1 of orders, from alice/1)")
	variant = checkout.Correct
	recordRapid(t, "TestOrders", property).wantPass(t, "OK, passed 100 tests")
}

// tinyProperty draws how many clients there are; so many hits more than
// clients are allowed.
func tinyProperty(more int) func(*rapid.T) {
	return func(rt *rapid.T) {
		clients := rapid.IntRange(1, 6).Draw(rt, "clients")
		s := tiny(clients, clients+more)
		s.Faults.Kinds = []string{cloud.RunOther, cloud.Crash} // rapid shrinks for 30 s at most
		Run(rt, s)
	}
}

// Plans of more than one deviation are drawn, and shrink with the inputs. What
// rapid keeps of them fails in another process too.
func TestRunDraws(t *testing.T) {
	fresh(t)
	r := recordRapid(t, "TestTwo", tinyProperty(1))
	r.wantRapid(t, tooManyHits, "draw clients: 2\n", "found under rapid, ", "  1. ", "  2. hit POST / (from client-")
	wantFiles(t, "TestTwo-rapid.json")

	anotherProcess(t)
	setFlag(t, "rapid.checks", "1")
	recordRapid(t, "TestTwo", tinyProperty(1)).wantRapid(t, tooManyHits, "draw clients: 2\n")
	wantFiles(t, "TestTwo-rapid.json")
}

func TestRunHolds(t *testing.T) {
	fresh(t)
	recordRapid(t, "TestHolds", tinyProperty(9)).wantPass(t, "OK, passed 100 tests")
	wantFiles(t)
}

// What is written is kept by later failures.
func TestRunKeepsFiles(t *testing.T) {
	fresh(t)
	for i, more := range []int{0, -1} {
		r := recordRapid(t, "TestKeep"+itoa(i), tinyProperty(more))
		r.wantRapid(t, tooManyHits)
	}
	wantFiles(t, "TestKeep0-rapid.json", "TestKeep1-rapid.json")
	anotherProcess(t)
	setFlag(t, "rapid.nofailfile", "true")
	recordRapid(t, "TestKeep0", tinyProperty(-1)).wantRapid(t, tooManyHits, "the benign schedule violates", "TestKeep0-rapid-2.json")
	wantFiles(t, "TestKeep0-rapid-2.json", "TestKeep0-rapid.json", "TestKeep1-rapid.json")
}

// -wtsim.replay in a test whose inputs cannot be those of the file says so;
// tests of other scenarios pass.
func TestRunReplayOfOtherInputs(t *testing.T) {
	fresh(t)
	path := onlyFile(t, "TestSeven", tiny(7, 7))
	setFlag(t, "wtsim.replay", path)
	recordRapid(t, "TestNotSeven", tinyProperty(0)).wantRapid(t,
		fmt.Sprintf(`%s is of the inputs {"clients":7}, which were not drawn; keep the fail file that rapid has written, or give them to simtest.Check`, path))
	recordRapid(t, "TestOther", func(rt *rapid.T) {
		s := tiny(1, 1)
		s.Name = "other"
		Run(rt, s)
	}).wantPass(t)
}

func TestRunSeed(t *testing.T) {
	fresh(t)
	setFlag(t, "wtsim.seed", "1")
	recordRapid(t, "TestSeed", tinyProperty(-1)).wantRapid(t, tooManyHits, "draw clients: 1")
	recordRapid(t, "TestSeedHolds", tinyProperty(9)).wantPass(t)
}

func TestRunInconclusive(t *testing.T) {
	fresh(t)
	recordRapid(t, "TestUnclear", func(rt *rapid.T) { Run(rt, endless()) }).wantRapid(t,
		"inconclusive: "+sim.Run(endless(), scheduler.Benign{}).Why)
	recordRapid(t, "TestInvalid", func(rt *rapid.T) { Run(rt, sim.Scenario{Name: "x", Platform: gcp.CloudRun()}) }).wantRapid(t,
		`scenario "x": it has neither clients nor jobs, wanted a workload`)
}

// A schedule that cannot be judged is found again by the calls that follow,
// although these run fewer schedules: rapid does not take it for a flaky test,
// and its last call tells what has happened.
func TestRunInconclusiveAgain(t *testing.T) {
	fresh(t)
	setFlag(t, "wtsim.schedules", "1")
	s := tiny(8, 99)
	s.Faults.Kinds, s.Faults.Most = []string{cloud.RunOther, cloud.ColdStart, cloud.Crash}, 1
	s.MaxSteps = len(sim.Run(s, scheduler.Benign{}).Steps)
	recordRapid(t, "TestRarely", func(rt *rapid.T) { Run(rt, s) }).wantRapid(t, "inconclusive: the run has not ended after 16 steps (MaxSteps); the last was start hit(client-4/1)~retry",
		"in this schedule:", "\n  1. ", "see above, for rapid")
	if n := (&past{unjudged: true, swept: schedules()}).budget(); n != many {
		t.Errorf("the next call runs %d schedules, wanted %d, as the one that has met it", n, many)
	}
}

// Of two bugs it is the one first found that is shrunk.
func TestRunKeepsTheProperty(t *testing.T) {
	fresh(t)
	property := func(rt *rapid.T) {
		clients := rapid.IntRange(1, 6).Draw(rt, "clients")
		s := tiny(clients, 4)
		if clients == 1 { // a smaller input with another bug
			s.Properties[0] = props.AtMostOnce("another", props.On("HIT"))
		}
		Run(rt, s)
	}
	recordRapid(t, "TestTwoBugs", property).wantRapid(t, tooManyHits, "draw clients: ")
}
