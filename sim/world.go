package sim

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/internal/bubble"
	"github.com/wtsim/wtsim/internal/seeded"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scheduler"
)

// stepTime is the virtual time between two steps.
const stepTime = 10 * time.Microsecond

// world is the simulated platform during one run. Its loop runs on the
// bubble's main goroutine; between two quiescent points handlers' goroutines
// call into it through their taps, under mu.
type world struct {
	sim       *Simulation
	record    *scheduler.Decider
	replay    *scheduler.Replay // if the source is one
	stress    *stress           // if nobody schedules
	final     *stores           // at the end of the benign run, if a property asks
	monitor   *monitor.Monitor
	beat      *bubble.Beat
	random    *stream
	output    *capture
	backends  []namedBackend
	kernel    kernel // what services see
	functions []*function
	instances []*instance
	clients   map[string]*instance // as sources of events
	calls     []*props.Call        // of clients, in the order in which they began
	stalled   []*call
	companion *companion   // of the step that is being done
	names     seeded.Names // of goroutines
	orders    bool         // goroutines are asked about
	ordered   int          // how often they were

	tasks   []*task // that may still go on, in order of creation
	agenda  agenda
	clock   int // counts readiness
	current *task
	faults  int
	steps   []Step
	trace   *trace
	note    []string // deviations since the last step, in words

	last      string            // identity of the last step that counts
	lastNamed string            // identity of the last one that has one of its own
	wakings   int               // steps since then
	waited    bool              // time has passed since the last step
	counted   int               // steps that count: those that only print do not
	site      string            // of the step that is being done, for strategies
	taken     map[string]bool   // what properties have done, see took
	ways      map[string]uint64 // by property: hash of it
	depends   scheduler.Order   // all of what has happened, see past
	history   uint64            // hash of the events in their order
	expiries  []expiry          // of keys, sorted
	behind    []lossy           // what services may forget
	happened  []Step            // at this instant, without being decided: time limits, what is given up
	result    *Result

	mu       sync.Mutex
	fences   int
	arrived  chan struct{} // something reached the tap or ended
	arrivals []*call
	endings  []*task
	emitted  []emission
	owners   map[string]*owner // by the goroutines' label

	runNumber string
	outside   string // a call past the seam
	closing   bool
	chosen    atomic.Uint32 // orders what the chooser does for the race detector
	watch     Watch
	idleSince time.Time // when the last task that is no instance's own did something

	aliveAtEnd map[string]bool // function instances, by id
}

type namedBackend struct {
	name    string
	backend cloud.Backend
}

// label is the pprof label of a task's goroutines. The number of the run
// keeps it apart from what an earlier run of the process has left behind.
func (w *world) label(name string) string { return w.runNumber + " " + name }

// runs counts the runs of the process.
var runs atomic.Uint64

// owner is whom a label stands for.
type owner struct {
	task     *task
	inst     *instance
	building bool
}

// who is people's name of the owner.
func (o *owner) who() string {
	if o.building {
		return "the constructor of " + o.task.who()
	}
	return o.task.who()
}

func (w *world) owner(label string) *owner {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.owners[label]
}

func newWorld(s *Simulation, source scheduler.Source, watch Watch, g *globals, beat *bubble.Beat) *world {
	w := &world{
		sim: s, record: scheduler.NewDecider(source), watch: watch,
		beat: beat, random: g.random, output: g.output,
		arrived: make(chan struct{}, 1), runNumber: strconv.FormatUint(runs.Add(1), 10), owners: map[string]*owner{}, trace: newTrace(), result: &Result{},
	}
	w.monitor = s.program.Monitor(monitor.Options{Coverage: watch != WatchNothing})
	w.replay, _ = source.(*scheduler.Replay)
	for _, f := range s.scenario.Functions {
		w.functions = append(w.functions, &function{Function: f})
	}
	w.kernel = kernel{world: w, deployed: s.scenario.Deployment()}
	return w
}

// run is the whole run, inside its bubble.
func (w *world) run() {
	time.Sleep(time.Until(w.sim.scenario.Epoch)) //wtsim:clock the bubble's clock
	defer w.close()
	w.seed("begin")
	w.orderly()
	w.seed("begin")
	if err := w.open(); err != nil {
		w.stop(Inconclusive, fmt.Sprintf("a service could not be started: %v", err))
		return
	}
	w.addStandbys()
	for _, b := range w.kernel.backends {
		if s, ok := b.(cloud.Starter); ok {
			s.Start()
		}
	}
	w.addClients()
	for w.result.Verdict == "" {
		w.next()
	}
	if w.sim.atEnd != nil {
		w.sim.atEnd(newStores(w.backends))
	}
}

func (w *world) open() error {
	for _, s := range w.sim.scenario.Services {
		b, err := s.Open(&w.kernel)
		if err != nil {
			return err
		}
		w.backends = append(w.backends, namedBackend{s.Name(), b})
		w.kernel.backends = append(w.kernel.backends, b)
	}
	return nil
}

func (w *world) backend(name string) cloud.Backend {
	for _, b := range w.backends {
		if b.name == name {
			return b.backend
		}
	}
	return nil
}

// next does one step, or lets time pass until there is one to do.
func (w *world) next() {
	woken := w.settle("")
	w.fireDue()
	if w.result.Verdict != "" {
		return
	}
	ready := w.candidates()
	switch {
	case w.counted >= w.sim.scenario.MaxSteps && (woken || len(ready) > 0):
		w.stop(Inconclusive, fmt.Sprintf("the run has not ended after %d steps (MaxSteps); the last was %s", w.counted, w.last))
	case woken:
		w.pass(stepTime)
	case len(ready) > 0:
		c := w.choose(ready)
		w.perform(c)
		w.pass(stepTime)
	case !w.agenda.empty():
		w.wait(w.agenda.first())
	case w.lingers():
		w.wait(w.idleSince.Add(w.sim.scenario.Platform.IdleFor))
	default:
		w.quiesce()
	}
}

// function finds a function by its name, which is its host name too; nil if
// there is none.
func (w *world) function(name string) *function {
	for _, f := range w.functions {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// lingers reports whether there are instances that have CPU outside of
// invocations, and may still do something by themselves: they are given as
// long as an idle instance is kept.
func (w *world) lingers() bool {
	now := time.Now() //wtsim:clock the bubble's clock
	return now.Sub(w.idleSince) < w.sim.scenario.Platform.IdleFor &&
		slices.ContainsFunc(w.instances, func(i *instance) bool { return i.fn.AlwaysOn && !i.Dead() })
}

// ownTask returns the task of what an instance does by itself.
func (w *world) ownTask(i *instance) *task {
	if i.own == nil {
		i.own = &task{Task: &cloud.Task{Name: cloud.NameOnly(i.fn.Name, cloud.Subject{Text: i.name()}), Root: i.root, Attempt: 1, Own: true}, fn: i.fn, inst: i, stage: live}
		w.tasks = append(w.tasks, i.own)
	}
	return i.own
}

// pass lets time pass.
func (w *world) pass(d time.Duration) {
	w.fence()
	time.Sleep(d)
}

// fence orders what the world has done before what handlers do that wake up by
// themselves. (It is so already, as only one of them runs; the race detector
// cannot know.)
func (w *world) fence() {
	w.mu.Lock()
	w.fences++
	w.mu.Unlock()
	w.beat.Tick()
}

// wait lets time pass until an instant or until something reaches the tap.
func (w *world) wait(until time.Time) {
	if until.Sub(w.sim.scenario.Epoch) > w.sim.scenario.Horizon {
		w.stop(Inconclusive, fmt.Sprintf("the run has not ended after %v of virtual time (Horizon); the last was %s", w.sim.scenario.Horizon, w.last))
		return
	}
	w.waited = true
	w.fence()
	timer := time.NewTimer(time.Until(until)) //wtsim:clock the bubble's clock
	defer timer.Stop()
	select {
	case <-w.arrived:
	case <-timer.C:
	}
	w.beat.Tick()
}

// fireDue does what the agenda has for this instant.
func (w *world) fireDue() {
	for w.result.Verdict == "" {
		e, ok := w.agenda.due(time.Now()) //wtsim:clock the bubble's clock
		if !ok {
			return
		}
		e.fire()
		if w.settle(e.name) {
			w.pass(stepTime)
		}
	}
}

// stop ends the run.
func (w *world) stop(v Verdict, why string) {
	if w.result.Verdict == "" {
		w.result.Verdict, w.result.Why = v, why
	}
}

// violated ends the run with a violation.
func (w *world) violated(v monitor.Violation, stack string) {
	if w.result.Verdict == "" {
		w.result.Verdict, w.result.Violation, w.result.Stack = Violated, &v, stack
	}
}

// quiesce asks the properties about the end of the run.
func (w *world) quiesce() {
	w.keepBenign()
	end := w.monitor.Quiesce(&quiescent{newStores(w.backends), w})
	if v := end.Violations(); len(v) > 0 {
		w.violated(v[0], "")
		return
	}
	if n := w.monitor.Stats().Malformed; n > 0 {
		w.stop(Inconclusive, fmt.Sprintf("%d events are malformed for a property, the first: %v", n, w.monitor.Stats().Reasons[0]))
		return
	}
	if len(end.Findings) > 0 {
		x := end.Findings[0]
		w.stop(Inconclusive, fmt.Sprintf("property %q: %s", x.Violation.Property, x.Why))
		return
	}
	w.stop(Held, "")
}

// close ends everything that still runs: instances die, and time passes so
// that what only sleeps can end.
func (w *world) close() {
	w.closing = true
	seeded.Stop()
	w.aliveAtEnd = map[string]bool{}
	for _, i := range w.instances {
		w.aliveAtEnd[i.ID] = !i.Dead()
		w.end(i)
	}
	w.beat.Wait()
	for _, b := range w.backends {
		b.backend.Close()
	}
	w.pass(15 * time.Minute) // longer than any backoff
	w.beat.Wait()
}
