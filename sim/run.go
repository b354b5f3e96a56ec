package sim

import (
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/internal/bubble"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/scheduler"
)

// Verdict is what a run, or a search, has shown.
type Verdict string

// The verdicts.
const (
	Held         Verdict = "held"
	Violated     Verdict = "violated"
	Inconclusive Verdict = "inconclusive"
)

// Result is what a run has shown.
type Result struct {
	Verdict   Verdict
	Violation *monitor.Violation // where violated
	Why       string             // where inconclusive: the reason, in a sentence
	Stack     string             // of a panic, a leak, a deadlock or a lock
	Record    *scheduler.Record  // decisions, and the plan that was followed
	Unmatched scheduler.Plan     // deviations of a replayed plan that did not occur
	Steps     []Step
	Hash      string // of the trace
	Runtime   string // [Patched] or empty: what the trace depends on beside the Go version
	Functions []string
}

// Run runs the scenario once. It is a pure function of the scenario and of
// the source's choices: a run that cannot be brought to an end is
// inconclusive, never a hang.
func (s *Simulation) Run(source scheduler.Source) *Result {
	g := borrow(s.scenario.Name)
	defer g.giveBack()
	if runtime.GOMAXPROCS(0) != 1 { // equal calls of parallel goroutines then keep one order
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	}
	var w *world
	err := bubble.Run(bubble.Options{}, func(beat *bubble.Beat) {
		w = newWorld(s, source, g, beat)
		g.route(w)
		w.run()
	})
	return w.finish(err)
}

// Run compiles and runs a scenario once. It panics if the scenario is not
// valid; see [Compile].
func Run(scenario Scenario, source scheduler.Source) *Result {
	s, err := Compile(scenario)
	if err != nil {
		panic(err)
	}
	return s.Run(source)
}

// finish makes the result of the world and of how its bubble ended.
func (w *world) finish(err error) *Result {
	r := w.result
	r.Runtime = RuntimeName()
	r.Record, r.Steps, r.Hash = w.record.Record(), w.steps, w.trace.hash()
	if w.replay != nil {
		r.Unmatched = w.replay.Unmatched()
	}
	var stuck *bubble.Stuck
	var leak *bubble.Leak
	switch {
	case errors.As(err, &stuck):
		w.reportStuck(r, stuck)
	case errors.As(err, &leak):
		w.reportLeak(r)
	}
	return r
}

// reportStuck tells which function kept the run from moving on.
func (w *world) reportStuck(r *Result, s *bubble.Stuck) {
	*r = Result{Verdict: Inconclusive, Record: r.Record, Steps: r.Steps, Hash: r.Hash, Runtime: r.Runtime, Unmatched: r.Unmatched}
	where := w.labelled(s.Goroutines)
	g := s.Goroutines[0]
	r.Stack = g.State + "\n" + g.Stack
	switch {
	case s.Busy:
		r.Why = fmt.Sprintf("%s computes without end", where)
	case strings.HasPrefix(g.State, "sync."):
		r.Why = fmt.Sprintf("%s waits for a lock (%s) that is held across a call or a sleep; %s", where, g.State, lockHelp())
	default:
		r.Why = fmt.Sprintf("%s waits for something outside the simulation (%s): a call past the seam", where, g.State)
	}
}

// labelled names the function whose invocation a stack belongs to.
func (w *world) labelled(stuck []bubble.Goroutine) string {
	stacks := bubble.Labelled(probe.LabelKey)
	for i := len(w.steps) - 1; i >= 0; i-- {
		s := &w.steps[i]
		for _, name := range []string{s.Task, "new " + s.Task} {
			for _, text := range stacks[w.label(name)] {
				if sharesFrame(text, stuck) {
					return s.Function
				}
			}
		}
	}
	return "a goroutine of no function"
}

// sharesFrame reports whether a labelled stack has the innermost frame,
// outside the standard library, of one of the goroutines.
func sharesFrame(text string, goroutines []bubble.Goroutine) bool {
	for _, g := range goroutines {
		for _, line := range strings.Split(g.Stack, "\n") {
			name, _, isCall := strings.Cut(line, "(")
			if isCall && !strings.HasPrefix(line, "\t") && strings.Contains(name, ".") &&
				strings.Contains(name, "/") && !strings.HasPrefix(name, "internal/") && strings.Contains(text, name) {
				return true
			}
		}
	}
	return false
}

// reportLeak tells of goroutines that invocations left blocked for ever, on
// instances that were alive at the end. What a constructor has started lives
// as long as its instance and is none, nor is what only sleeps.
func (w *world) reportLeak(r *Result) {
	if r.Verdict != Held {
		return
	}
	stacks := bubble.Labelled(probe.LabelKey)
	for i := range w.steps {
		s := &w.steps[i]
		if s.Kind != KindStart || !w.aliveAtEnd[s.Instance] {
			continue
		}
		if left := stacks[w.label(s.Task)]; len(left) > 0 && !sleeps(left) {
			r.Verdict, r.Stack = Violated, strings.Join(left, "\n\n")
			r.Violation = &monitor.Violation{
				Property: "invocations leave no goroutine blocked", Certainty: monitor.Certain,
				Binding: monitor.Binding{{Name: "function", Value: event.Str(s.Function)}},
			}
			return
		}
	}
}
