package sctbench

import "github.com/wtsim/wtsim/scheduler"

// Trial searches a program until it goes wrong. It returns how many runs that
// took; or found false, and how many there were. Runs that the strategy does
// for itself, to know what to search, are counted, but find nothing: a search
// does not judge them.
func Trial(main func(*Task), strategy string, seed uint64, limit int) (runs int, found bool) {
	program := newRunner(main)
	s, err := scheduler.New(scheduler.Config{Strategy: strategy, Bound: 1 << 20, FirstSeed: seed, Run: func(s scheduler.Source) *scheduler.Record {
		return program.run(s, everything).Record
	}})
	if err != nil {
		panic(err) // the caller has checked the name
	}
	for n := 1; program.runs < limit; n++ {
		schedule, ok := s.Schedule(n)
		if !ok {
			return program.runs, false
		}
		r := program.run(schedule.Source, wanted(strategy, n))
		if r.Bug != "" {
			return program.runs, true
		}
		s.Learn(n, r.Record)
	}
	return program.runs, false
}

// wanted is what a strategy wants to know of the schedule of a number. Only the
// first may be the benign run, in whose decisions it searches.
func wanted(strategy string, n int) kept {
	switch {
	case scheduler.Seeded(strategy):
		return nothing
	case n == 1:
		return everything
	}
	return learned
}
