package sim

import (
	"context"
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"

	"github.com/wtsim/wtsim/scheduler"
)

// Search says what to look through.
type Search struct {
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
	// Limit, if not nil, is asked before each schedule: those above it are
	// not run any more. It may fall.
	Limit func() int
	// Before and After, if not nil, are told of each schedule: Before also of the
	// one that turns out not to exist, After when it is known whether a
	// violation is repeatable.
	Before func(number int)
	After  func(schedule scheduler.Schedule, r *Result)
	// Differs, if not nil, is told at once of what is in Found at the end.
	Differs func(Unrepeatable)
}

// Found is the end of a search.
type Found struct {
	Schedule scheduler.Schedule // the first that violates
	Result   *Result            // what it has shown; nil if none does
	// Simulation is the one that was searched, with the inputs of that schedule.
	Simulation *Simulation
	Number     int // of the schedule at which the search stopped
	Ran        int // schedules that were run here
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
	Inconclusive *Result
	Unclear      int
	// Unrepeatable is the first run that was not repeatable, if any, and
	// Repeated how many schedules were run again to see; see [Simulation.Search].
	Unrepeatable *Unrepeatable
	Repeated     int
	Interrupted  bool
}

// Unrepeatable is a run that was another one the second time.
type Unrepeatable struct {
	Number     int    // of the schedule
	Seed       uint64 // of strategies with seeds; else 0
	Verdict    Verdict
	Difference string // see [Simulation.Repeats]
}

// Search runs schedules until one violates, the strategy or the budget is
// exhausted, or ctx is done. The error is a strategy that does not exist.
//
// A schedule that violates is run again, after another one; if it is not the
// same run the search goes on. So is a sample of those that hold: the first,
// and one in fifty, chosen by number, after the next one. Runs of these kinds
// are no schedules: they are not counted.
func (s *Simulation) Search(ctx context.Context, o Search) (Found, error) {
	o = o.withDefaults()
	strategy, err := s.strategy(ctx, o)
	if err != nil {
		return Found{}, err
	}
	defer Steady()()
	l := looker{sim: s, search: o}
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
	sim       *Simulation
	search    Search
	abandoned int
	sample    *sampled // holds, and is to be run again
}

type sampled struct {
	sim      *Simulation
	schedule scheduler.Schedule
	result   *Result
}

// look runs a schedule, and reports whether the search is over.
func (l *looker) look(schedule scheduler.Schedule, strategy scheduler.Strategy) (bool, error) {
	sim, err := l.sim.Of(l.search, schedule.Number)
	if err != nil {
		return false, err
	}
	r := sim.run(schedule.Source, l.search.watch())
	strategy.Learn(schedule.Number, learnable(r))
	if r.Abandoned {
		l.abandoned++
		l.sample = nil // what it has left behind may compute beside
	}
	l.recheck(nil)
	counts := r.Verdict == Violated && l.repeats(sampled{sim, schedule, r}, besides)
	l.Ran, l.Number, l.Through = l.Ran+1, schedule.Number, schedule.Number
	if l.search.After != nil {
		l.search.After(schedule, r)
	}
	switch {
	case counts:
		l.Schedule, l.Result, l.Simulation = schedule, r, sim
		return true, nil
	case r.Verdict == Held && isSampled(schedule.Number):
		l.sample = &sampled{sim, schedule, r}
	case r.Verdict == Inconclusive && l.Inconclusive == nil:
		l.Inconclusive, l.Unclear = r, schedule.Number
	}
	l.Stuck = l.abandoned == mostAbandoned
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
		x.sim.Run(other(x.result.Record.Plan))
	}
	if l.Unrepeatable != nil {
		return sameRun(x.result, x.sim.again(x.result))
	}
	difference := x.sim.repeatsNow(x.result)
	if difference == "" {
		return true
	}
	l.Unrepeatable = &Unrepeatable{Number: x.schedule.Number, Seed: x.schedule.Seed, Verdict: x.result.Verdict, Difference: difference}
	if l.search.Differs != nil {
		l.search.Differs(*l.Unrepeatable)
	}
	return false
}

// learnable is what a strategy may learn from: how far a run got that was
// abandoned depends on the machine.
func learnable(r *Result) *scheduler.Record {
	if r.Abandoned {
		return nil
	}
	return r.Record
}

// mostAbandoned is how many runs a search gives up before it ends: what an
// abandoned run leaves behind may go on computing, and the next run is most
// likely stuck at the same place.
const mostAbandoned = 5

func (o Search) withDefaults() Search {
	if o.Strategy == "" {
		o.Strategy = "portfolio"
	}
	if o.FirstSeed == 0 {
		o.FirstSeed = 1
	}
	return o
}

// watch is what the strategy looks at.
func (o Search) watch() watch {
	if o.Strategy == "bounded" {
		return allStates
	}
	return steps
}

// strategy returns the strategy of a search. To list its schedules it may run
// many; when ctx is done it is told that nothing happens in them.
func (s *Simulation) strategy(ctx context.Context, o Search) (scheduler.Strategy, error) {
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
		if r := learnable(drawn.run(source, o.watch())); r != nil {
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
func (s *Simulation) Schedule(o Search, number int) (scheduler.Schedule, bool, error) {
	strategy, err := s.strategy(context.Background(), o.withDefaults())
	if err != nil {
		return scheduler.Schedule{}, false, err
	}
	schedule, ok := strategy.Schedule(number)
	return schedule, ok, nil
}

// heapLimit is when a search collects garbage. The storage client allocates
// a 16 MiB buffer an object; it is never touched, so that it costs next to
// nothing while the collector is off, and a great deal when it runs often.
const heapLimit = 1 << 30

// Steady prepares the process for many runs: one thread for Go code, so that
// equal calls of parallel goroutines keep one order, and no collector but
// ours. It returns what undoes it, to be called once. Calls may overlap, as
// those of parallel tests do: the last undo counts. [Simulation.Search] and
// [Simulation.Shrink] are steady by themselves.
func Steady() (undo func()) {
	oneThread.hold()
	noCollector.hold()
	return func() {
		free(64 << 20) // the collector would not give it back, and the next search clear it again
		noCollector.release()
		oneThread.release()
	}
}

var (
	oneThread   = setting{set: runtime.GOMAXPROCS, value: 1}
	noCollector = setting{set: setCollector, value: -1}
)

// memoryLimit makes the collector run all the same where one run alone
// allocates as much.
const memoryLimit = 4 << 30

// setCollector sets the collector's percentage; while it is off, there is a
// limit.
func setCollector(percent int) (before int) {
	limit := int64(math.MaxInt64)
	if percent < 0 {
		limit = memoryLimit
	}
	if given := userLimit(); given < limit {
		limit = given
	}
	debug.SetMemoryLimit(limit)
	return debug.SetGCPercent(percent)
}

// userLimit is the limit that the process began with (GOMEMLIMIT).
var userLimit = sync.OnceValue(func() int64 { return debug.SetMemoryLimit(-1) })

// setting is one of the process that several goroutines want changed at the
// same time: the first to hold it changes it, the last to release it changes
// it back.
type setting struct {
	set   func(int) int // returns the value before
	value int

	mu      sync.Mutex
	holders int
	before  int
}

func (s *setting) hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.holders++; s.holders == 1 {
		s.before = s.set(s.value)
	}
}

func (s *setting) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.holders--; s.holders == 0 {
		s.set(s.before)
	}
}

func (s *setting) held() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.holders > 0
}

// collect frees memory between runs, while nobody else collects.
func collect() {
	if noCollector.held() {
		free(heapLimit)
	}
}

// free frees memory above the limit, in bytes, and gives it back to the
// system: memory that comes back from there is zero already.
func free(limit uint64) {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Uint64() > limit {
		debug.FreeOSMemory()
	}
}
