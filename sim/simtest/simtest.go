// Package simtest runs scenarios under go test: [Check] searches schedules
// for a violation, [Run] does the same to inputs drawn by rapid, and [Expect]
// holds a scenario against what it declares.
//
// A failure's first line is constant, one for each property, so that tools
// and people can group by it; what was found is logged apart: the deviations
// in words, the timeline, and the command that repeats it. The schedule is
// saved as a counterexample in testdata/wtsim; keep the file in git and every
// later test replays it first.
//
// Importing the package registers flags of the test binary:
//
//	-wtsim.replay FILE   replay this counterexample instead of searching; FILE
//	                     is relative to the package's folder; tests of other
//	                     scenarios are skipped
//	-wtsim.seed N        run the one random schedule of seed N instead of
//	                     searching
//	-wtsim.schedules N   search N schedules; default 1000, with -short 100
//	-wtsim.for D         search for so long (real time) instead
//	-wtsim.strategy S    how to search; default portfolio
//	-wtsim.bound K       run every schedule with at most K deviations instead
//	-wtsim.shard i/n     search only part i of n of the schedules
//	-wtsim.workers N     share the search among N processes
//	-wtsim.first         stop at the first violation; without it the search goes
//	                     on for those of other properties
//	-wtsim.strict        fail where no schedule reaches a rule, or an event that
//	                     a property is about; without it that is logged
//	-wtsim.full          tell every step of stories, and long values whole
//	-wtsim.logs          tell all that handlers print
//	-wtsim.html FOLDER   draw what is found as pages there, not beside the files
//	-wtsim.findings FILE tell what is new, ongoing, fixed and regressed beside a
//	                     file of findings that is kept
//	-wtsim.format github print annotations too
//	-wtsim.junit FILE    write the outcomes as JUnit's XML
//	-wtsim.sarif FILE    write what is found as SARIF
//
// With -v a test that holds tells the benign run.
//
// As for the flags of go test:
//
//   - -short searches 100 schedules instead of 1000.
//   - -count N: the second time a test runs it searches the next seeds, and
//     so on; together they search N times as many.
//   - -timeout: a search stops short of it, says how many schedules it has
//     run, and holds if these did.
//   - -race and -cover work as for any test. A data race is reported by the
//     race detector, not as a violation.
//   - -parallel and t.Parallel are safe and gain nothing: runs of one process
//     take turns, since a run takes over what a process has only once
//     (standard output, the default HTTP transport, the source of
//     randomness). What else the process does meanwhile can be seen by a run;
//     do not let tests that change these run next to it.
package simtest

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/internal/wholefile"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/report"
	"github.com/wtsim/wtsim/sim/search"
)

// Check searches for a schedule under which the scenario violates one of its
// properties, and fails the test if there is one, whatever the scenario
// declares in its Expect. A scenario without a name has that of the test.
//
// The counterexamples of earlier failures of this test come first: those in
// testdata/wtsim/<test>-*.json (<test> is the test's name, / as -) that are of
// this scenario and these inputs. Then come the benign schedule and, by
// turns, schedules of one deviation and random ones.
//
// A schedule that violates is run again to see that it repeats, reduced until
// every deviation is needed, saved in testdata/wtsim under the first free
// name <test>-<number of the schedule>.json, and told. A sample of those that
// hold is run again too. A search that holds and proves nothing fails: see
// [search.Subject.Empty]. A test whose runs could not be judged fails:
// "inconclusive: ...", or "not repeatable: ..." with the first difference.
func Check(t testing.TB, scenario sim.Scenario) {
	t.Helper()
	c := newCheck(t, scenario)
	defer search.Steady()()
	switch {
	case c.serves():
	case c.ended():
	case *replayFile != "":
		c.replay(*replayFile)
	case *seed != 0:
		c.single(*seed)
	default:
		c.corpus()
		c.search()
	}
}

// check is one call of Check or Expect.
type check struct {
	t       testing.TB
	subject search.Subject
	// When to stop searching and shrinking, short of the test's own
	// deadline; zero if it has none.
	searchUntil, shrinkUntil time.Time
	found                    []*search.Counterexample // in this test
}

func newCheck(t testing.TB, scenario sim.Scenario) *check {
	t.Helper()
	if what := scenario.Missing(); what != "" {
		t.Skip(what)
	}
	scenario.Name = cmp.Or(scenario.Name, t.Name())
	s, err := sim.Compile(scenario)
	if err != nil {
		t.Fatal(err)
	}
	c := &check{t: t, subject: apart(t, of(s))}
	if limited, ok := t.(interface{ Deadline() (time.Time, bool) }); ok { // not part of testing.TB
		if deadline, ok := limited.Deadline(); ok {
			grace := max(0, min(time.Until(deadline)/10, 10*time.Second))
			c.shrinkUntil = deadline.Add(-grace)
			c.searchUntil = deadline.Add(-2 * grace)
		}
	}
	return c
}

// of is what a test searches.
func of(s *sim.Simulation) search.Subject {
	return search.Subject{Simulation: s, Explain: report.Parting}
}

// key tells scenarios of one test apart.
func (c *check) key() string { return c.t.Name() + "\x00" + c.subject.Scenario().Name }

// search searches the next schedules of this test: all of them, so that each
// property that can be violated is told.
func (c *check) search() {
	c.t.Helper()
	before := searched.take(c.key(), schedules())
	o, err := options(before)
	if err != nil {
		c.t.Fatal(err)
	}
	if unseen := sim.Unnoticed(); unseen != "" {
		c.t.Log(unseen)
	}
	if *duration > 0 {
		c.until(time.Now().Add(*duration))
	}
	reached := search.NewTally(c.subject.Simulation)
	o.After, o.Known = reached.After, map[string]bool{}
	at, done := c.guard(o)
	o.Before = at
	found := func() search.Found { defer done(); return c.lookForAll(o, before) }()
	c.findings()
	switch {
	case len(o.Known) > 0:
		c.t.FailNow()
	case found.Inconclusive != nil:
		c.unclear(o, found.Unclear, found.Inconclusive)
	case found.Unrepeatable != nil:
		c.unrepeatable(before, found.Unrepeatable)
	case found.Interrupted && found.Ran == 0:
		c.t.Fatal("inconclusive: no schedule was run before the test's time was up; give it more with -timeout")
	case found.Interrupted && *duration == 0:
		c.t.Logf("%s hold; then the test's time was nearly up, give it more with -timeout", ranOf(found.Ran, o.Schedules))
	default:
		if *workerFlag <= 1 { // else these have seen to it
			c.proves(reached, found.Ran)
		}
		c.holds(o, &found, before)
	}
}

// ranOf is how many schedules were run of how many, where that is known.
func ranOf(ran, all int) string {
	if all > 0 {
		return fmt.Sprintf("%d of %d schedules", ran, all)
	}
	return fmt.Sprintf("%d schedules", ran)
}

// lookForAll searches, and goes on behind each violation for those of other
// properties. It adds them to those that are known.
func (c *check) lookForAll(o search.Options, before int) search.Found {
	c.t.Helper()
	all := c.subject
	shared := *workerFlag > 1
	for {
		found := search.Found{}
		if shared {
			found, shared = c.share(o), false
		} else {
			found = c.look(o)
		}
		if found.Result == nil {
			return found
		}
		c.subject = found.Subject
		c.violated(before+found.Number, found.Schedule.Seed, found.Result)
		c.subject = all
		o.Known[found.Result.Violation.Property], o.From = true, found.Number
		if *stopAtFirst || c.allKnown(o.Known) || found.Result.Busy { // what computes without end would stand beside all that follows
			return found
		}
	}
}

// allKnown reports whether each of the scenario's properties has been violated.
func (c *check) allKnown(known map[string]bool) bool {
	return !slices.ContainsFunc(c.subject.Scenario().Properties, func(p *props.Property) bool { return !known[p.Name()] })
}

// until ends the search no later than an instant.
func (c *check) until(at time.Time) {
	if c.searchUntil.IsZero() || at.Before(c.searchUntil) {
		c.searchUntil = at
	}
}

// holds tells that nothing was found, and with -v what happens when nothing goes
// wrong.
func (c *check) holds(o search.Options, found *search.Found, before int) {
	c.t.Helper()
	note(c.t, report.Outcome{Verdict: sim.Held})
	switch {
	case found.Complete && o.Strategy == "bounded" && o.Workers == 0:
		c.t.Logf("holds under every schedule with at most %s (%d)", deviations(o.Bound), found.Ran)
	case *shard != "" || o.Schedules == 0:
		c.t.Logf("%d schedules hold", found.Ran)
	default:
		c.t.Logf("%d schedules hold (seeds %d to %d)", found.Ran, before+1, before+o.Schedules)
	}
	if testing.Verbose() {
		c.t.Logf("the benign run:\n%s", indent(report.Story(c.benign(), nil, storyOptions())))
	}
}

// proves fails where a search that holds proves nothing.
func (c *check) proves(reached *search.Tally, ran int) {
	c.t.Helper()
	if v := c.subject.Empty(); v != nil {
		fail(c.t, "inconclusive: "+v.String(), "none of the schedules proves anything")
	}
	for _, v := range c.subject.Unreached(reached, ran >= search.LongSearch) {
		if v.Fails || *strict {
			fail(c.t, "inconclusive: "+v.String(), fmt.Sprintf("in %d schedules", ran))
		}
		c.t.Logf("not reached: %s", v.Says)
	}
}

// look searches until the test's time is nearly up.
func (c *check) look(o search.Options) search.Found {
	c.t.Helper()
	ctx := c.t.Context()
	if !c.searchUntil.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, c.searchUntil)
		defer cancel()
	}
	found, err := c.subject.Search(ctx, o)
	if err != nil {
		c.t.Fatal(err)
	}
	return found
}

// single runs the random schedule of a seed.
func (c *check) single(seed uint64) {
	c.t.Helper()
	drawn, err := c.subject.Drawn(seed)
	if err != nil {
		c.t.Fatal(err)
	}
	c.subject = drawn
	r := c.subject.Run(scheduler.NewRandom(seed))
	difference := ""
	if r.Verdict != sim.Inconclusive {
		difference = c.subject.Repeats(r)
	}
	switch {
	case difference != "":
		c.unrepeatable(0, &search.Unrepeatable{Number: int(seed), Seed: seed, Difference: difference})
	case r.Verdict == sim.Violated:
		c.violated(int(seed), seed, r)
		c.t.FailNow()
	case r.Verdict == sim.Inconclusive:
		fail(c.t, "inconclusive: "+r.Why, details(unjudged(int(seed)), r, nil, c.seedCommand(seed)))
	default:
		c.t.Logf("the schedule of seed %d holds", seed)
	}
}

// unclear fails because of a schedule that could not be judged.
func (c *check) unclear(o search.Options, number int, r *sim.Result) {
	c.t.Helper()
	command, seed := c.command("-wtsim.schedules", number), uint64(0)
	if schedule, ok, err := c.subject.Schedule(o, number); err == nil && ok && schedule.Seed != 0 {
		seed = schedule.Seed
		command = c.seedCommand(seed)
	}
	if of, err := c.subject.Of(o, number); err == nil {
		command = c.saveUnjudged(command, number, search.NewCounterexample(of.Simulation, seed, r))
	}
	fail(c.t, "inconclusive: "+r.Why, details(unjudged(number), r, nil, command))
}

// saveUnjudged saves the plan of a schedule that could not be judged, where no
// later test replays it by itself, and returns the command that does; another
// one if it cannot be saved.
func (c *check) saveUnjudged(command string, number int, plan *search.Counterexample) string {
	c.t.Helper()
	path, err := save(filepath.Join(folder, "unjudged", filepath.Base(testFile(c.t.Name(), number))), plan)
	if err != nil {
		c.t.Logf("the plan could not be saved: %v", err)
		return command
	}
	return c.command("-wtsim.replay", path)
}

// unrepeatable fails because of a run that was another one the second time.
// So many schedules were run before its search.
func (c *check) unrepeatable(before int, u *search.Unrepeatable) {
	c.t.Helper()
	command := c.command("-wtsim.schedules", before+u.Number)
	if u.Seed != 0 {
		command = c.seedCommand(u.Seed)
	}
	fail(c.t, notRepeatable+u.Difference, fmt.Sprintf("in schedule %d, of which no run is like another\n\nreplay:  %s", before+u.Number, command))
}

// notRepeatable begins the message of a test whose runs do not repeat.
const notRepeatable = "not repeatable: "

// violated reduces what was found, saves it and tells it.
func (c *check) violated(number int, seed uint64, r *sim.Result) {
	c.t.Helper()
	shrunk := c.reduce(r)
	small := shrunk.Result
	command := c.command("-wtsim.schedules", number)
	if seed != 0 {
		command = c.seedCommand(seed)
	}
	file := search.NewCounterexample(c.subject.Simulation, seed, small)
	c.found = append(c.found, file)
	path, err := save(testFile(c.t.Name(), number), file)
	if err != nil {
		c.t.Logf("the counterexample could not be saved: %v", err)
	} else {
		command = c.command("-wtsim.replay", path)
	}
	drawn := err == nil || *htmlFolder != ""
	head, benign := foundIn(number, shrunk), c.benign()
	violates(c.t, small, details(head+c.inputs(), small, benign, command))
	if drawn {
		c.draw(path, small, benign, command)
	}
}

// draw makes a page of a violation, beside its file or where -wtsim.html wants it.
func (c *check) draw(file string, r, benign *sim.Result, command string) {
	c.t.Helper()
	path := strings.TrimSuffix(file, ".json") + ".html"
	if *htmlFolder != "" {
		path = filepath.Join(*htmlFolder, filepath.Base(path))
	}
	run := c.subject.WithStores().Run(scheduler.NewReplay(r.Record.Plan))
	told := report.New(c.subject.Scenario().Name, run, benign).Of(c.subject.Scenario())
	told.Replay = command
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = wholefile.Write(path, told.Page)
	}
	if err != nil {
		c.t.Errorf("the page could not be written: %v", err)
		return
	}
	c.t.Logf("page:  %s", path)
}

// reduce shrinks the plan of a violation that repeats, and the inputs that the
// scenario has drawn.
func (c *check) reduce(r *sim.Result) search.Shrunk {
	c.t.Helper()
	shrunk, left := c.subject.Shrink(r, c.late)
	c.subject = left
	return shrunk
}

// inputs tells those that the scenario has drawn, if it draws any.
func (c *check) inputs() string {
	if c.subject.Scenario().Generate == nil {
		return ""
	}
	return "\n  inputs: " + compact(inputs(c.subject))
}

// late reports whether shrinking has to stop.
func (c *check) late() bool { return !c.shrinkUntil.IsZero() && time.Now().After(c.shrinkUntil) }

func (c *check) benign() *sim.Result { return c.subject.Run(scheduler.Benign{}) }

func (c *check) command(flag string, value any) string { return command(c.t.Name(), flag, value) }

func (c *check) seedCommand(seed uint64) string { return c.command("-wtsim.seed", seed) }
