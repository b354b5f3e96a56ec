package simtest

import (
	"cmp"
	"fmt"
	"io"
	"time"

	"pgregory.net/rapid"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/report"
	"github.com/wtsim/wtsim/sim/search"
)

// Run looks for a schedule under which a scenario made from drawn inputs
// violates one of its properties, and fails the rapid test if there is one. It
// is called in the property of rapid.Check, once the inputs are drawn; inputs
// and schedule shrink together.
//
// It runs the benign schedule, draws a plan of up to three deviations, each
// from those that the run of the ones before offers, and runs it. Then it runs
// schedules of one deviation, and of one more than were drawn: at most 200 of
// each, and at most 10 once -wtsim.schedules (default 1000, with -short 100)
// of them were run for this test. Once something is found every call runs 200,
// so that inputs shrink freely: the less was drawn the less depends on them.
//
// In the last call, of which rapid shows the log, the plan is reduced until
// every deviation is needed, told, and saved as
// testdata/wtsim/<test>-rapid.json. (With -rapid.v or -rapid.log rapid shows
// every call, and the file is that of the last.) -wtsim.replay runs the file
// where the inputs drawn are those in it, which the fail file that rapid has
// written brings about; -wtsim.seed runs the one schedule of a seed for every
// input.
func Run(rt *rapid.T, scenario sim.Scenario) {
	rt.Helper()
	scenario.Name = cmp.Or(scenario.Name, rt.Name())
	compiled, err := sim.Compile(scenario)
	if err != nil {
		rt.Fatal(err)
	}
	s := of(compiled)
	defer search.Steady()()
	past := recall(rt.Name(), scenario.Name)
	r := past.judge(rt, s)
	if past.unsteady != "" {
		rt.Fatal(notRepeatable + past.unsteady)
	}
	if r == nil {
		return
	}
	if r.Verdict == sim.Inconclusive {
		past.unjudged = past.property == ""
		if rt.Output() != io.Discard {
			rt.Log(details("in this schedule:", r, nil, "see above, for rapid"))
		}
		rt.Fatal("inconclusive: " + r.Why)
	}
	if past.property == "" {
		past.property = r.Violation.Property
	}
	past.confirmed = inputs(s)
	if rt.Output() != io.Discard {
		past.tell(rt, s, r)
	}
	// While shrinking, rapid tells failures apart by the line that they come
	// from: one property's must not turn into another's.
	if r.Violation.Property != past.property {
		rt.Fatal(message(r))
	}
	rt.Fatal(message(r))
}

// judge returns a violating run, or one that could not be judged, or nil.
func (p *past) judge(rt *rapid.T, s search.Subject) *sim.Result {
	rt.Helper()
	switch {
	case *replayFile != "":
		return p.replay(rt, s)
	case *seed != 0:
		return onlyBad(s.Run(scheduler.NewRandom(*seed)))
	}
	if p.unsteady != "" || p.parted != "" && !sameJSON(p.confirmed, inputs(s)) {
		return nil // there is nothing to be learned from further runs
	}
	h := hunt{subject: s, property: p.property, unjudged: p.unjudged, hint: p.hint}
	budget := p.budget()
	held := h.draw(rt)
	if !p.sampled && len(held) > 0 {
		p.sampled = true
		p.unsteady = s.Repeats(held[len(held)-1])
	}
	for _, r := range held {
		p.swept += h.sweep(r, budget)
	}
	p.hint = h.hint
	return p.steady(s, h.result())
}

// steady returns a violating run if it is repeatable. The first that is not
// ends the test; in a shrink it ends the shrink.
func (p *past) steady(s search.Subject, r *sim.Result) *sim.Result {
	if r == nil || r.Verdict != sim.Violated {
		return r
	}
	difference := s.Repeats(r)
	switch {
	case difference == "":
		return r
	case p.property == "":
		p.unsteady = difference
	default:
		p.parted = difference
	}
	return nil
}

// tell reduces a violation, saves it and logs it.
func (p *past) tell(rt *rapid.T, s search.Subject, r *sim.Result) {
	rt.Helper()
	if *replayFile != "" {
		again := command(rt.Name(), "-wtsim.replay", *replayFile)
		rt.Log(details(replayed(*replayFile, p.file, r), r, s.Run(scheduler.Benign{}), again))
		return
	}
	until := time.Now().Add(30 * time.Second) // as long as rapid shrinks by default
	shrunk, _ := s.Shrink(r, func() bool { return time.Now().After(until) })
	small := shrunk.Result
	again := "see above, for rapid"
	if err := p.save(rt.Name(), search.NewCounterexample(s.Simulation, *seed, small)); err != nil {
		rt.Logf("the counterexample could not be saved: %v", err)
	} else {
		again = command(rt.Name(), "-wtsim.replay", p.path)
	}
	head := fmt.Sprintf("found under rapid, %s:", report.Reduction(shrunk))
	if p.parted != "" {
		head = fmt.Sprintf("the inputs may not be minimal: with smaller ones a run is not repeatable: %s\n%s", p.parted, head)
	}
	rt.Log(details(head, small, s.Run(scheduler.Benign{}), again))
}
