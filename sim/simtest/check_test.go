package simtest

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/scenarios/checkout"
	"github.com/wtsim/wtsim/scenarios/checkout/checkoutsim"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

const (
	doubleCharge = `property "charged at most once" violated`
	tooManyHits  = `property "few hits" violated`
)

func shop(v checkout.Variant) sim.Scenario { return checkoutsim.Scenario(v) }

// check runs Check as a test of that name.
func recordCheck(t *testing.T, name string, s sim.Scenario) *recorder {
	t.Helper()
	return record(t, name, func(t testing.TB) { Check(t, s) })
}

// A violation fails the test with a constant message; the details and the
// command that repeats it are logged; the file replays to the byte.
func TestCheckFails(t *testing.T) {
	fresh(t)
	scenario := shop(checkout.Variant{NoIdempotencyKey: true})
	r := recordCheck(t, "TestShop/double", scenario)
	r.wantFailure(t, doubleCharge, `for order="o-1"`, "found in schedule 86, with 1 deviation:\n\n  1. charge (message 1 of orders, from alice/1), attempt 1: the instance crashes after POST\n     payments.example/charges",
		"00:00:00.", "ORDER_CHARGED(o-1)", "VIOLATED",
		"\n\nreplay:  "+sim.GoTest()+" -run '^TestShop$/^double$' -wtsim.replay testdata/wtsim/TestShop-double-86.json")
	wantFiles(t, "TestShop-double-86.json")
	if page, err := os.ReadFile("testdata/wtsim/TestShop-double-86.html"); err != nil || !strings.Contains(string(page), "-wtsim.replay testdata/wtsim/TestShop-double-86.json") {
		t.Errorf("the page beside it: %v", err)
	}

	file, err := search.ReadCounterexample("testdata/wtsim/TestShop-double-86.json")
	if err != nil {
		t.Fatal(err)
	}
	if again := sim.Run(scenario, scheduler.NewReplay(file.Deviations)); !file.Same(again) {
		t.Fatalf("the file's trace is %s, a replay's %s", file.TraceHash, again.Hash)
	}

	// From now on the file comes first.
	r = recordCheck(t, "TestShop/double", scenario)
	r.wantFailure(t, doubleCharge, `for order="o-1"`, "replayed from testdata/wtsim/TestShop-double-86.json, to the same trace:", "1. charge", "replay:")
	wantFiles(t, "TestShop-double-86.json")
	if page, err := os.ReadFile("testdata/wtsim/TestShop-double-86.html"); err != nil || !strings.Contains(string(page), "-wtsim.replay testdata/wtsim/TestShop-double-86.json") {
		t.Errorf("the page beside it: %v", err)
	}
}

func TestCheckHolds(t *testing.T) {
	fresh(t)
	setFlag(t, "wtsim.schedules", "50")
	recordCheck(t, t.Name(), shop(checkout.Correct)).wantPass(t, "50 schedules hold")
	wantFiles(t)
}

// A scenario needs no name: it has that of its test, in its file too.
func TestNameless(t *testing.T) {
	fresh(t)
	scenario := shop(checkout.Variant{NoIdempotencyKey: true})
	scenario.Name = ""
	recordCheck(t, "TestShop/nameless", scenario).wantFailure(t, doubleCharge, "-wtsim.replay testdata/wtsim/TestShop-nameless-86.json")
	if file, err := search.ReadCounterexample("testdata/wtsim/TestShop-nameless-86.json"); err != nil || file.Scenario != "TestShop/nameless" {
		t.Errorf("got %v, %v", file, err)
	}
}

// calm is a scenario in which nothing can happen twice.
func calm() sim.Scenario {
	s := tiny(1, 2)
	s.Faults.Kinds = []string{cloud.ColdStart}
	return s
}

// renamed is a scenario under another name.
func renamed(s sim.Scenario) sim.Scenario {
	s.Name = "other"
	return s
}

// onlyFile makes a test fail, and returns the file that it writes.
func onlyFile(t *testing.T, name string, s sim.Scenario) string {
	t.Helper()
	recordCheck(t, name, s).wantFailure(t, tooManyHits)
	paths, err := filepath.Glob(folder + "/*.json")
	if err != nil || len(paths) != 1 {
		t.Fatal(paths, err)
	}
	return paths[0]
}

// A counterexample that holds is a regression test; one of other inputs or of
// another scenario is passed over; one that cannot be read fails.
func TestCorpus(t *testing.T) {
	fresh(t)
	path := onlyFile(t, t.Name(), tiny(1, 1))

	recordCheck(t, t.Name(), tiny(1, 2)).wantPass(t, path+" holds: the bug is fixed", "1000 schedules hold")
	recordCheck(t, t.Name(), tiny(2, 4)).wantPass(t, path+` is of the inputs {"clients":1}, this test's are {"clients":2}: not replayed`)
	recordCheck(t, t.Name(), renamed(tiny(1, 2))).wantPass(t, path+` is of scenario "tiny", this test's is "other": not replayed`)
	recordCheck(t, t.Name(), calm()).wantPass(t, path+": did not occur: ", path+" is stale: it holds, but 1 deviation of the file did not occur")
	recordCheck(t, t.Name(), tiny(1, 1)).wantFailure(t, tooManyHits, "replayed from "+path)

	if err := os.WriteFile(path, []byte(`{"format":"x"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	recordCheck(t, t.Name(), calm()).wantFailure(t,
		path+`: format is "x", wanted "wtsim-counterexample/1"; use the version of wtsim that wrote it`)
}

func TestReplayFlag(t *testing.T) {
	fresh(t)
	path := onlyFile(t, t.Name(), tiny(1, 1))
	setFlag(t, "wtsim.replay", path)

	recordCheck(t, "TestAny", tiny(1, 1)).wantFailure(t, tooManyHits, "replayed from "+path+", to the same trace:", "-wtsim.replay "+path)
	recordCheck(t, "TestAny", tiny(1, 2)).wantPass(t, "holds: the bug is fixed, or needs a deviation that is not in the file")
	recordCheck(t, "TestAny", tiny(2, 2)).wantFailure(t, tooManyHits, "of the inputs", "to another trace")
	recordCheck(t, "TestAny", calm()).wantFailure(t, "inconclusive: the run holds, but 1 deviation of the file did not occur", "  did not occur: ", "replay:")
	r := recordCheck(t, "TestAny", renamed(tiny(1, 1)))
	if r.failed || r.skipped != path+` is of scenario "tiny", this test's is "other"` {
		t.Errorf("failed %t, skipped %q", r.failed, r.skipped)
	}

	setFlag(t, "wtsim.replay", "missing.json")
	recordCheck(t, "TestAny", tiny(1, 1)).wantFailure(t, "open missing.json: no such file or directory")
}

// A seed is one schedule, run instead of the search; its file is written once.
func TestSeedFlag(t *testing.T) {
	fresh(t)
	scenario := tiny(3, 3)
	found, err := compile(t, scenario).Search(context.Background(), search.Options{Strategy: "random"})
	if err != nil || found.Number == 1 {
		t.Fatalf("seed %d violates, wanted one above 1; error %v", found.Number, err)
	}
	setFlag(t, "wtsim.seed", "1")
	recordCheck(t, t.Name(), scenario).wantPass(t, "the schedule of seed 1 holds")
	setFlag(t, "wtsim.seed", itoa(found.Number))
	for range 2 {
		recordCheck(t, t.Name(), scenario).wantFailure(t, tooManyHits, "found in schedule "+itoa(found.Number))
	}
	wantFiles(t, t.Name()+"-"+itoa(found.Number)+".json")
}

// -short searches less; a test that runs again, as under -count, goes on where
// it was.
func TestShortAndCount(t *testing.T) {
	fresh(t)
	setFlag(t, "test.short", "true")
	recordCheck(t, t.Name(), tiny(1, 9)).wantPass(t, "100 schedules hold (seeds 1 to 100)")
	recordCheck(t, t.Name(), tiny(1, 9)).wantPass(t, "100 schedules hold (seeds 101 to 200)")
	recordCheck(t, t.Name()+"/other", tiny(1, 9)).wantPass(t, "(seeds 1 to 100)")
	setFlag(t, "test.short", "false")
	recordCheck(t, t.Name()+"/long", tiny(1, 9)).wantPass(t, "1000 schedules hold")
}

// What could not be judged does not pass.
func TestInconclusive(t *testing.T) {
	fresh(t)
	why := "inconclusive: " + sim.Run(endless(), scheduler.Benign{}).Why
	recordCheck(t, t.Name(), endless()).wantFailure(t, why, "in schedule 1:", "replay:  "+sim.GoTest()+" -run '^TestInconclusive$' -wtsim.replay testdata/wtsim/unjudged/TestInconclusive-1.json")
	setFlag(t, "wtsim.seed", "7")
	recordCheck(t, t.Name(), endless()).wantFailure(t, why, "in schedule 7:", "-wtsim.seed 7")
	wantFiles(t, "unjudged")
}

func TestNotRepeatable(t *testing.T) {
	fresh(t)
	r := recordCheck(t, t.Name(), unsteady())
	if len(r.errors) != 1 {
		t.Fatal(r.errors)
	}
	want := `not repeatable: invocation hit #1: after its start the events were "HIT(1)", then "HIT(3)"; ` +
		"it changes in one direction from run to run: a run leaves state behind, likely a package-level variable in hit"
	if r.errors[0] != want {
		t.Errorf("got %s\nwant %s", r.errors[0], want)
	}
	wantWords(t, r.log(), []string{"in schedule 1, of which no run is like another", "-wtsim.schedules 1"})
	wantFiles(t)
}

func TestInvalidScenario(t *testing.T) {
	recordCheck(t, t.Name(), sim.Scenario{Name: "empty", Platform: gcp.CloudRun()}).wantFailure(t, `scenario "empty": it has neither clients nor jobs, wanted a workload`)
}

// hurried is a test with a deadline, as *testing.T has one under -timeout.
type hurried struct {
	*recorder
	deadline time.Time
}

func (h hurried) Deadline() (time.Time, bool) { return h.deadline, true }

// A search stops short of the test's deadline; one that could not even begin
// does not pass.
func TestDeadline(t *testing.T) {
	fresh(t)
	setFlag(t, "wtsim.schedules", "1000000")
	within := func(d time.Duration) *recorder {
		return record(t, t.Name(), func(tb testing.TB) {
			Check(hurried{tb.(*recorder), time.Now().Add(d)}, tiny(1, 9))
		})
	}
	within(400*time.Millisecond).wantPass(t, " of 1000000 schedules hold; then the test's time was nearly up")
	within(-time.Second).wantFailure(t, "inconclusive: no schedule was run before the test's time was up; give it more with -timeout")
}

// Parallel tests are safe, and leave the process as it was.
func TestParallel(t *testing.T) {
	fresh(t)
	setFlag(t, "wtsim.schedules", "30")
	procs, percent := runtime.GOMAXPROCS(0), collectorPercent()
	done := make(chan *recorder)
	for i := range 4 {
		go func() { done <- recordCheck(t, t.Name()+itoa(i), tiny(2, 9)) }()
	}
	for range 4 {
		(<-done).wantPass(t, "30 schedules hold")
	}
	if p, c := runtime.GOMAXPROCS(0), collectorPercent(); p != procs || c != percent {
		t.Errorf("GOMAXPROCS %d, GOGC %d; wanted %d, %d as before", p, c, procs, percent)
	}
}

func collectorPercent() int {
	percent := debug.SetGCPercent(100)
	debug.SetGCPercent(percent)
	return percent
}

// A violation is told also where its file cannot be written.
func TestReadOnly(t *testing.T) {
	fresh(t)
	if err := os.WriteFile("testdata", nil, 0o644); err != nil { // no folder can be made
		t.Fatal(err)
	}
	recordCheck(t, t.Name(), tiny(1, 1)).wantFailure(t, tooManyHits, "the counterexample could not be saved: ", "replay:  "+sim.GoTest()+" -run '^TestReadOnly$' -wtsim.s")
}

func TestNames(t *testing.T) {
	for _, c := range []struct{ test, file, command string }{
		{"TestA", "TestA-7.json", sim.GoTest() + " -run '^TestA$' -f 7"},
		{"TestA/b/c", "TestA-b-c-7.json", sim.GoTest() + " -run '^TestA$/^b$/^c$' -f 7"},
		{"TestÄ/it's_[1]*", "TestÄ-it-s_-1---7.json", sim.GoTest() + ` -run '^TestÄ$/^it'\''s_\[1\]\*$' -f 7`},
	} {
		if got := testFile(c.test, 7); got != filepath.Join(folder, c.file) {
			t.Errorf("file of %s: %s, wanted %s", c.test, got, c.file)
		}
		if got := command(c.test, "-f", 7); got != c.command {
			t.Errorf("command of %s: %s, wanted %s", c.test, got, c.command)
		}
	}
}
