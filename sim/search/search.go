package search

import (
	"context"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// Options say what to look through.
type Options struct {
	Strategy  string // see scheduler.Names; default "portfolio"
	Bound     int    // of "bounded"
	FirstSeed uint64 // default 1
	Schedules int    // how many; 0 for all that there are
	// Worker and Workers share the schedules out, see [scheduler.Owner]. Zero
	// values run all.
	Worker, Workers int
	// From is the last schedule that was run before, and Lost are those that
	// must not be run again: a search goes on after one that has ended its
	// process.
	From int
	Lost map[int]bool
	// Around, if not nil, wraps the source of each run that the strategy wants
	// in order to make a schedule.
	Around func(scheduler.Source) scheduler.Source
	// Known are properties whose violations do not end the search: they were found
	// before, and others are looked for.
	Known map[string]bool
	// Limit, if not nil, is asked before each schedule: those above it are
	// not run any more. It may fall.
	Limit func() int
	// Before and After, if not nil, are told of each schedule: Before also of the
	// one that turns out not to exist, After when it is known whether a
	// violation is repeatable.
	Before func(number int)
	After  func(schedule scheduler.Schedule, r *sim.Result)
	// Differs, if not nil, is told at once of what is in Found at the end.
	Differs func(Unrepeatable)
}

// Unbounded is the bound of a search of all schedules that there are.
const Unbounded = 1 << 20

// Found is the end of a search.
type Found struct {
	Schedule scheduler.Schedule // the first that violates
	Result   *sim.Result        // what it has shown; nil if none does
	// Subject is what was searched, with the inputs of that schedule.
	Subject Subject
	Number  int // of the schedule at which the search stopped
	Ran     int // schedules that were run here
	// Complete says that there is no schedule left: every one of the
	// strategy's space was run, by this search or by its fellows.
	Complete bool
	// Through says that every schedule of this worker up to that number was
	// run.
	Through int
	// Stuck says that the search was given up because too many of its runs
	// were abandoned.
	Stuck bool
	// Pruned is how many plans of a bounded search were left out because they
	// would have ended like others; see [scheduler.Bounded].
	Pruned int
	// Inconclusive is the first run that could not be judged, if any, and Unclear
	// the number of its schedule.
	Inconclusive *sim.Result
	Unclear      int
	// Unrepeatable is the first run that was not repeatable, if any, and
	// Repeated how many schedules were run again to see; see [Subject.Search].
	Unrepeatable *Unrepeatable
	Repeated     int
	Interrupted  bool
}

// Unrepeatable is a run that was another one the second time.
type Unrepeatable struct {
	Number     int    // of the schedule
	Seed       uint64 // of strategies with seeds; else 0
	Verdict    sim.Verdict
	Difference string // see [Subject.Repeats]
}

// Search runs schedules until one violates, the strategy or the budget is
// exhausted, or ctx is done. The error is a strategy that does not exist.
//
// A schedule that violates is run again, after another one; if it is not the
// same run the search goes on. So is a sample of those that hold: the first,
// and one in fifty, chosen by number, after the next one. Runs of these kinds
// are no schedules: they are not counted.
func (s Subject) Search(ctx context.Context, o Options) (Found, error) {
	o = o.withDefaults()
	strategy, err := s.strategy(ctx, o)
	if err != nil {
		return Found{}, err
	}
	defer Steady()()
	l := looker{subject: s, options: o}
	for n := 1; (o.Schedules == 0 || n <= o.Schedules) && (o.Limit == nil || n <= o.Limit()); n++ {
		if ctx.Err() != nil {
			l.Interrupted = true
			break
		}
		if n <= o.From || o.Lost[n] || scheduler.Owner(o.Strategy, n, o.Workers) != o.Worker {
			l.Through = n
			continue
		}
		if o.Before != nil {
			o.Before(n) // before the strategy, which may have to run something to list its schedules
		}
		schedule, ok := strategy.Schedule(n)
		if ctx.Err() != nil { // then it has been told of runs that were none
			l.Interrupted = true
			break
		}
		if !ok {
			l.Complete = true
			break
		}
		over, err := l.look(schedule, strategy)
		if err != nil {
			return l.Found, err
		}
		if over {
			break
		}
	}
	l.recheck(besides)
	if p, ok := strategy.(interface{ Pruned() int }); ok {
		l.Pruned = p.Pruned()
	}
	return l.Found, nil
}

// looker is a search under way.
type looker struct {
	Found
	subject   Subject
	options   Options
	abandoned int
	sample    *sampled // holds, and is to be run again
}

type sampled struct {
	subject  Subject
	schedule scheduler.Schedule
	result   *sim.Result
}

// look runs a schedule, and reports whether the search is over.
func (l *looker) look(schedule scheduler.Schedule, strategy scheduler.Strategy) (bool, error) {
	subject, err := l.subject.Of(l.options, schedule.Number)
	if err != nil {
		return false, err
	}
	r := subject.watched(schedule.Source, l.options.watch())
	strategy.Learn(schedule.Number, learnable(r))
	if r.Abandoned {
		l.abandoned++
		l.sample = nil // what it has left behind may compute beside
	}
	l.recheck(nil)
	counts := subject.wants(r) && !l.options.Known[r.Violation.Property] && l.repeats(sampled{subject, schedule, r}, besides)
	l.Ran, l.Number, l.Through = l.Ran+1, schedule.Number, schedule.Number
	if l.options.After != nil {
		l.options.After(schedule, r)
	}
	switch {
	case counts:
		l.Schedule, l.Result, l.Subject = schedule, r, subject
		return true, nil
	case r.Verdict == sim.Held && isSampled(schedule.Number):
		l.sample = &sampled{subject, schedule, r}
	case r.Verdict == sim.Inconclusive && l.Inconclusive == nil:
		l.Inconclusive, l.Unclear = r, schedule.Number
	}
	l.Stuck = l.abandoned == mostAbandoned || r.Busy // which takes from all that follows
	return l.Stuck, nil
}

// sampleRate is how many schedules there are for one that is run again though
// it holds.
const sampleRate = 50

// isSampled chooses by number, so that the number of workers changes nothing;
// by no fixed interval, which a strategy's turns could be in step with.
func isSampled(number int) bool {
	h := uint64(number) * 0x9e3779b97f4a7c15
	return number == 1 || (h>>32)%sampleRate == 0
}

// recheck runs the schedule that is to be run again, after another one: the
// search's next, or the one given.
func (l *looker) recheck(other func(scheduler.Plan) scheduler.Source) {
	if x := l.sample; x != nil {
		l.sample = nil
		l.repeats(*x, other)
	}
}

// repeats runs a schedule again, and notes where it is another run. Only the
// first that differs is worth a closer look.
func (l *looker) repeats(x sampled, other func(scheduler.Plan) scheduler.Source) bool {
	l.Repeated++
	if other != nil {
		x.subject.Run(other(x.result.Record.Plan))
	}
	if l.Unrepeatable != nil {
		return sameRun(x.result, x.subject.again(x.result))
	}
	difference := x.subject.repeatsNow(x.result)
	if difference == "" {
		return true
	}
	l.Unrepeatable = &Unrepeatable{Number: x.schedule.Number, Seed: x.schedule.Seed, Verdict: x.result.Verdict, Difference: difference}
	if l.options.Differs != nil {
		l.options.Differs(*l.Unrepeatable)
	}
	return false
}

// learnable is what a strategy may learn from: how far a run got that was
// abandoned depends on the machine.
func learnable(r *sim.Result) *scheduler.Record {
	if r.Abandoned {
		return nil
	}
	return r.Record
}

// mostAbandoned is how many runs a search gives up before it ends: what an
// abandoned run leaves behind may go on computing, and the next run is most
// likely stuck at the same place.
const mostAbandoned = 5

func (o Options) withDefaults() Options {
	if o.Strategy == "" {
		o.Strategy = "portfolio"
	}
	if o.FirstSeed == 0 {
		o.FirstSeed = 1
	}
	return o
}

// watch is what the strategy looks at.
func (o Options) watch() sim.Watch {
	if o.Strategy == "bounded" {
		return sim.WatchStates
	}
	return sim.WatchSteps
}

// strategy returns the strategy of a search. To list its schedules it may run
// many; when ctx is done it is told that nothing happens in them.
func (s Subject) strategy(ctx context.Context, o Options) (scheduler.Strategy, error) {
	run := func(number int, source scheduler.Source) *scheduler.Record {
		if ctx.Err() != nil {
			return &scheduler.Record{}
		}
		drawn, err := s.Of(o, number)
		if err != nil {
			return &scheduler.Record{} // the search meets it too, and ends
		}
		if o.Around != nil {
			source = o.Around(source)
		}
		if r := learnable(drawn.watched(source, o.watch())); r != nil {
			return r
		}
		return &scheduler.Record{}
	}
	return scheduler.New(scheduler.Config{
		Strategy: o.Strategy, Bound: o.Bound, FirstSeed: o.FirstSeed, Lost: o.Lost, Again: run,
		Run: func(source scheduler.Source) *scheduler.Record { return run(0, source) },
	})
}

// Schedule returns one schedule of a search, to run it again.
func (s Subject) Schedule(o Options, number int) (scheduler.Schedule, bool, error) {
	strategy, err := s.strategy(context.Background(), o.withDefaults())
	if err != nil {
		return scheduler.Schedule{}, false, err
	}
	schedule, ok := strategy.Schedule(number)
	return schedule, ok, nil
}
