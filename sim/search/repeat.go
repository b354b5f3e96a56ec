package search

import (
	"fmt"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// Repeats tells whether a run is repeatable: it runs another schedule and then
// the result's plan again, and says where that run parts from the result, and
// what is likely the cause, as [Subject.Explain] does; empty if it is the same
// run with the same verdict. (Only A, B, A shows what a run leaves behind.)
func (s Subject) Repeats(r *sim.Result) (difference string) {
	defer Steady()()
	s = s.since(r)
	s.another(r)
	return s.repeatsNow(r)
}

// repeatsNow is [Subject.Repeats] where another schedule was run since.
func (s Subject) repeatsNow(r *sim.Result) (difference string) {
	s = s.since(r)
	again := s.again(r)
	if sameRun(r, again) {
		return ""
	}
	return s.parting(r, again, Further{
		Again:   func() *sim.Result { return s.again(r) },
		Another: func() { s.another(r) },
	})
}

// parting says where two runs of one plan that are not the same part.
func (s Subject) parting(first, second *sim.Result, further Further) string {
	if s.Explain == nil {
		return fmt.Sprintf("it was %s with the trace hash %s, then %s with %s", first.Verdict, first.Hash, second.Verdict, second.Hash)
	}
	return s.Explain(first, second, further)
}

// again runs a result's plan again.
func (s Subject) again(r *sim.Result) *sim.Result {
	return s.Run(scheduler.NewReplay(r.Record.Plan))
}

// another runs a schedule that is not the result's.
func (s Subject) another(r *sim.Result) { s.Run(besides(r.Record.Plan)) }

func sameRun(a, b *sim.Result) bool { return a.Hash == b.Hash && a.Verdict == b.Verdict }

// besides is a run that is not the plan's.
func besides(p scheduler.Plan) scheduler.Source {
	if len(p) == 0 {
		return scheduler.NewRandom(1)
	}
	return scheduler.Benign{}
}
