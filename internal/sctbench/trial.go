package sctbench

import "github.com/wtsim/wtsim/scheduler"

// Trial searches a program until it goes wrong. It returns how many runs that
// took; or found false, and how many there were. Runs that the strategy does
// for itself, to know what to search, are counted, but find nothing: a search
// does not judge them.
func Trial(main func(*Task), strategy string, seed uint64, limit int) (runs int, found bool) {
	run := func(s scheduler.Source) Result {
		runs++
		return Run(main, s)
	}
	s, err := scheduler.New(scheduler.Config{Strategy: strategy, Bound: 1 << 20, FirstSeed: seed, Run: func(s scheduler.Source) *scheduler.Record {
		return run(s).Record
	}})
	if err != nil {
		panic(err) // the caller has checked the name
	}
	for n := 1; runs < limit; n++ {
		schedule, ok := s.Schedule(n)
		if !ok {
			return runs, false
		}
		r := run(schedule.Source)
		if r.Bug != "" {
			return runs, true
		}
		s.Learn(n, r.Record)
	}
	return runs, false
}
