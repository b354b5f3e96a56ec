package simtest

import (
	"fmt"
	"path/filepath"
	"runtime"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/report"
	"github.com/wtsim/wtsim/sim/search"
)

// corpus replays the counterexamples of earlier failures.
func (c *check) corpus() {
	c.t.Helper()
	paths, err := filepath.Glob(testFile(c.t.Name(), "*"))
	if err != nil {
		c.t.Fatal(err) // cannot happen: fileName leaves nothing that a pattern takes otherwise
	}
	for _, path := range paths {
		file := c.read(path)
		if why := c.foreign(file); why != "" {
			c.t.Logf("%s is %s: not replayed", path, why)
			continue
		}
		if r := c.follow(path, file); len(r.Unmatched) == 0 {
			c.t.Logf("%s holds: the bug is fixed", path)
		} else {
			c.stale(path, file, r)
		}
	}
}

// stale looks where the deviations of a file have gone that do not occur any
// more. If those most like them violate, the file is written anew and the test
// fails; else the file says nothing about the bug, and that is said.
func (c *check) stale(path string, file *search.Counterexample, r *sim.Result) {
	c.t.Helper()
	subject, err := c.subject.With(file.Inputs)
	if err != nil {
		c.t.Fatalf("%s: %v", path, err)
	}
	property := ""
	if file.Violation != nil {
		property = file.Violation.Property
	}
	found := subject.Rebase(file.Deviations, property)
	if found == nil {
		for _, d := range r.Unmatched {
			c.t.Logf("%s: %s", path, report.DidNotOccur(d))
		}
		c.t.Logf("%s is stale: it holds, but %s of the file did not occur, and nothing like them violates; it shows nothing any more, delete it or search anew",
			path, deviations(len(r.Unmatched)))
		return
	}
	c.subject = subject
	small := c.reduce(found).Result
	again := c.command("-wtsim.replay", path)
	if err := search.NewCounterexample(c.subject.Simulation, file.Seed, small).Write(path); err != nil {
		c.t.Logf("%s could not be written: %v", path, err)
	}
	head := fmt.Sprintf("rebased from %s, whose deviations did not all occur any more; the file is written anew:", path)
	violates(c.t, small, details(head+c.inputs(), small, c.benign(), again))
	c.t.FailNow()
}

// replay replays the counterexample that was asked for. Where it holds, but
// not all of it has occurred, it says nothing about the bug.
func (c *check) replay(path string) {
	c.t.Helper()
	file := c.read(path)
	why := c.foreign(file)
	switch {
	case file.Scenario != c.subject.Scenario().Name:
		c.t.Skipf("%s is %s", path, why)
	case why != "":
		c.t.Logf("%s is %s", path, why)
	}
	r := c.follow(path, file)
	if n := len(r.Unmatched); n > 0 {
		head := fmt.Sprintf("replayed from %s:", path)
		fail(c.t, fmt.Sprintf("inconclusive: the run holds, but %s of the file did not occur", deviations(n)),
			details(head, r, c.benign(), c.command("-wtsim.replay", path)))
	}
	c.t.Logf("%s holds: the bug is fixed, or needs a deviation that is not in the file", path)
}

// foreign says how a file is not of this scenario and these inputs; empty if
// it is.
func (c *check) foreign(file *search.Counterexample) string {
	if name := c.subject.Scenario().Name; file.Scenario != name {
		return fmt.Sprintf("of scenario %q, this test's is %q", file.Scenario, name)
	}
	if c.subject.Scenario().Generate == nil && !sameInputs(file, c.subject) {
		return fmt.Sprintf("of the inputs %s, this test's are %s", compact(file.Inputs), compact(inputs(c.subject)))
	}
	return ""
}

func (c *check) read(path string) *search.Counterexample {
	c.t.Helper()
	file, err := search.ReadCounterexample(path)
	if err != nil {
		c.t.Fatal(err)
	}
	return file
}

// follow runs a counterexample. It returns if the run holds.
func (c *check) follow(path string, file *search.Counterexample) *sim.Result {
	c.t.Helper()
	before := c.subject
	defer func() { c.subject = before }()
	drawn, err := c.subject.With(file.Inputs)
	if err != nil {
		c.t.Fatalf("%s: %v", path, err)
	}
	c.subject = drawn
	r := c.subject.Run(scheduler.NewReplay(file.Deviations))
	head, again := replayed(path, file, r)+c.inputs(), c.command("-wtsim.replay", path)
	switch r.Verdict {
	case sim.Violated:
		violates(c.t, r, details(head, r, c.benign(), again))
		c.found = append(c.found, search.NewCounterexample(c.subject.Simulation, file.Seed, r))
		c.findings()
		c.t.FailNow()
	case sim.Inconclusive:
		fail(c.t, "inconclusive: "+r.Why, details(head, r, nil, again))
	}
	return r
}

// replayed says how a replay relates to its file.
func replayed(path string, file *search.Counterexample, r *sim.Result) string {
	head := "replayed from " + path
	switch {
	case file.Same(r):
		return head + ", to the same trace:"
	case file.Violation != nil && r.Violation != nil && file.Violation.Property != r.Violation.Property:
		return fmt.Sprintf("%s, where it was %q that was violated:", head, file.Violation.Property)
	case file.Runtime != r.Runtime:
		return fmt.Sprintf("%s, to another trace (it was made by %s, this is %s):", head, goTest(file.Runtime), goTest(r.Runtime))
	case file.Go != runtime.Version():
		return fmt.Sprintf("%s, to another trace (it was made with %s, this is %s):", head, file.Go, runtime.Version())
	}
	return head + ", to another trace (the application, the deviations or wtsim changed):"
}

// goTest names a runtime by the command that tests on it.
func goTest(runtime string) string {
	if runtime == sim.Patched {
		return "`wtsim test`"
	}
	return "plain `go test`"
}
