package command

import (
	"os"
	"strings"
	"time"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// mostOutside is how many runs shrinking may take where each is a process.
const mostOutside = 1000

// tellFatal tells a schedule in which a handler has ended the process: its
// plan is what the schedule journals before it dies, reduced in processes of
// their own.
func (s *supervisor) tellFatal(number int, f *search.Fatal) (*reported, error) {
	schedule, plan, err := s.journal(number)
	if err != nil {
		return nil, err
	}
	if s.found[number] == nil {
		s.found[number] = &found{Number: number, Pruned: schedule.Pruned}
	}
	complete := false
	r := &reported{Outcome: outcome{Scenario: s.options.scenario, Complete: &complete, Seed: schedule.Seed, Strategy: schedule.Strategy}}
	of, err := s.options.subject.Of(s.options.search(), number)
	if err != nil {
		return nil, err
	}
	of = of.Outside()
	first := repeatFatal(of, plan, f.Violation().Property)
	if first == nil {
		r.Outcome.Verdict, r.Outcome.Stack = sim.Inconclusive, f.Stack
		r.Outcome.Why = s.options.notRepeatable(number, "a handler has ended the process, but not when the same plan was run again")
		r.Text = s.options.verdictText(r.Outcome)
		return r, nil
	}
	shrunk := asIs(of, first)
	if !s.options.noShrink {
		shrunk = of.Shrink(first, s.outsideStopper())
	}
	r.violated(shrunk, len(plan))
	r.Text = s.options.foundText(r.Outcome, shrunk, number, "")
	return r, nil
}

// repeatFatal runs a plan that has ended its process until it does so again,
// three times at most: goroutines that the runtime interleaves need not meet
// each time. It returns nil if it never does.
func repeatFatal(s search.Subject, plan scheduler.Plan, property string) *sim.Result {
	for range 3 {
		if r := s.Run(scheduler.NewReplay(plan)); r.Verdict == sim.Violated && r.Violation.Property == property {
			return r
		}
	}
	return nil
}

// outsideStopper says when shrinking by processes has taken too long, or was
// interrupted.
func (s *supervisor) outsideStopper() func() bool {
	runs, deadline := 0, time.Now().Add(shrinkTime)
	return func() bool {
		select {
		case <-s.interrupts:
			s.interrupted = true
		default:
		}
		runs++
		return s.interrupted || runs > mostOutside || time.Now().After(deadline)
	}
}

// outsideEnv is the environment of a process of a run.
func outsideEnv() []string { return append(os.Environ(), "GODEBUG="+godebug()) }

func indent(text, with string) string {
	return with + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n"+with)
}

func firstLines(text string, n int) string {
	lines := strings.SplitN(text, "\n", n+1)
	if len(lines) > n {
		lines[n] = "..."
	}
	return strings.Join(lines, "\n")
}
