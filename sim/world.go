package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wtsim/wtsim/internal/bubble"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/scheduler"
)

// stepTime is the virtual time between two steps.
const stepTime = 10 * time.Microsecond

// world is the simulated platform during one run. Its loop runs on the
// bubble's main goroutine; between two quiescent points handlers' goroutines
// call into it through their taps, under mu.
type world struct {
	sim       *Simulation
	record    *scheduler.Recorder
	replay    *scheduler.Replay // if the source is one
	monitor   *monitor.Monitor
	beat      *bubble.Beat
	random    *stream
	output    *capture
	backends  []namedBackend
	functions []*function
	instances []*instance
	topics    map[string][]*function
	clients   map[string]*instance // as sources of events

	tasks   []*task // that may still go on, in order of creation
	agenda  agenda
	clock   int // counts readiness
	current *task
	faults  int
	steps   []Step
	trace   *trace
	note    []string // deviations since the last step, in words

	lastNamed string // identity of the last step that has one of its own
	woken     int    // steps since then
	result    *Result

	mu       sync.Mutex
	arrived  chan struct{} // something reached the tap or ended
	arrivals []*call
	endings  []*task
	emitted  []emission
	owners   map[string]*owner // by the goroutines' label

	runNumber string
	outside   string // a call past the seam

	aliveAtEnd map[string]bool // function instances, by id
}

type namedBackend struct {
	name    string
	backend probe.Backend
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

func newWorld(s *Simulation, source scheduler.Source, g *globals, beat *bubble.Beat) *world {
	w := &world{
		sim: s, record: scheduler.NewRecorder(source), monitor: s.program.Start(),
		beat: beat, random: g.random, output: g.output, topics: map[string][]*function{},
		arrived: make(chan struct{}, 1), runNumber: strconv.FormatUint(runs.Add(1), 10), owners: map[string]*owner{}, trace: newTrace(), result: &Result{},
	}
	w.replay, _ = source.(*scheduler.Replay)
	for _, f := range s.scenario.Functions {
		fn := &function{Function: f}
		w.functions = append(w.functions, fn)
		if f.Topic != "" {
			w.topics[f.Topic] = append(w.topics[f.Topic], fn)
		}
	}
	return w
}

// run is the whole run, inside its bubble.
func (w *world) run() {
	time.Sleep(time.Until(w.sim.scenario.Epoch)) //wtsim:clock the bubble's clock
	defer w.close()
	w.seed("begin")
	if err := w.open(); err != nil {
		w.stop(Inconclusive, fmt.Sprintf("a service could not be started: %v", err))
		return
	}
	w.addClients()
	for w.result.Verdict == "" {
		w.next()
	}
}

func (w *world) open() error {
	for _, s := range w.sim.scenario.Services {
		b, err := s.Open()
		if err != nil {
			return fmt.Errorf("%s: %w", s.Name(), err)
		}
		w.backends = append(w.backends, namedBackend{s.Name(), b})
	}
	return nil
}

func (w *world) backend(name string) probe.Backend {
	for _, b := range w.backends {
		if b.name == name {
			return b.backend
		}
	}
	return nil
}

// next does one step, or lets time pass until there is one to do.
func (w *world) next() {
	w.settle("")
	w.fireDue()
	if w.result.Verdict != "" {
		return
	}
	ready := w.candidates()
	switch {
	case len(ready) > 0 && len(w.steps) >= w.sim.scenario.MaxSteps:
		w.stop(Inconclusive, fmt.Sprintf("the run has not ended after %d steps (MaxSteps)", len(w.steps)))
	case len(ready) > 0:
		c := w.choose(ready)
		w.perform(c)
		time.Sleep(stepTime)
	case !w.agenda.empty():
		w.wait(w.agenda.first())
	default:
		w.quiesce()
	}
}

// settle waits until every goroutine waits, and takes note of what has
// reached the tap or ended since the last time. What happened without a step
// is told under the name given; where there is none, a handler has woken up
// by itself since the last step.
func (w *world) settle(name string) {
	bubble.Wait()
	w.mu.Lock()
	arrivals, endings := w.arrivals, w.endings
	w.arrivals, w.endings = nil, nil
	outside, emitted := w.outside, len(w.emitted) > 0
	w.mu.Unlock()
	w.admit(arrivals)
	w.admitEndings(endings)
	w.updateReadiness()
	if emitted || w.output.grown() {
		if name == "" {
			w.woken++
			name = fmt.Sprintf("%s +%d", w.lastNamed, w.woken)
		} else {
			w.named(name)
		}
		w.tell(Step{Identity: name, Kind: KindTime, What: name})
	}
	if outside != "" {
		w.stop(Inconclusive, outside)
	}
}

// admit gives identities to calls: sorted by label, full resource and
// request, never by arrival.
func (w *world) admit(arrivals []*call) {
	arrivals = slices.DeleteFunc(arrivals, func(c *call) bool { return c.withdrawn })
	for _, c := range arrivals {
		c.full = opLabel(&c.Op)
		c.label = mask(c.full)
	}
	if len(arrivals) > 1 {
		slices.SortStableFunc(arrivals, compareCalls)
	}
	for _, c := range arrivals {
		name := c.task.name
		if c.building {
			name = "new " + name
		}
		c.id = c.identity(name, c.task.count(name+":"+c.label))
		c.task.calls = append(c.task.calls, c)
		c.task.touch(c.Op.Service, c.Op.Resource)
	}
}

func compareCalls(a, b *call) int {
	if d := strings.Compare(a.task.name, b.task.name); d != 0 {
		return d
	}
	if a.building != b.building {
		if a.building {
			return -1
		}
		return 1
	}
	if d := strings.Compare(a.label, b.label); d != 0 {
		return d
	}
	if d := strings.Compare(a.full, b.full); d != 0 {
		return d
	}
	return strings.Compare(digest(&a.Op), digest(&b.Op))
}

// admitEndings takes note of handlers that have returned.
func (w *world) admitEndings(endings []*task) {
	slices.SortStableFunc(endings, func(a, b *task) int { return strings.Compare(a.name, b.name) })
	for _, t := range endings {
		if t.stage != live {
			continue
		}
		t.stage = ended
		if t.ending.panic != nil {
			w.findPanic(t)
		}
	}
}

// updateReadiness notes when a task became ready, and hands the calls of
// finished invocations to their instance.
func (w *world) updateReadiness() {
	for i := 0; i < len(w.tasks); i++ { // the list grows: background tasks
		t := w.tasks[i]
		t.calls = slices.DeleteFunc(t.calls, func(c *call) bool { return c.withdrawn })
		if t.stage == over && len(t.calls) > 0 {
			own := w.ownTask(t.inst)
			own.calls = append(own.calls, t.calls...)
			t.calls = nil
		}
		if !t.ready() {
			t.readySince = 0
		} else if t.readySince == 0 {
			w.clock++
			t.readySince = w.clock
		}
	}
	w.tasks = slices.DeleteFunc(w.tasks, func(t *task) bool { return t.stage == over && len(t.calls) == 0 })
}

// named notes the identity of a step of its own.
func (w *world) named(identity string) { w.lastNamed, w.woken = identity, 0 }

// ready reports whether the task has something that may happen.
func (t *task) ready() bool {
	switch {
	case t.stage == pending || t.stage == ended:
		return true
	case t.background && len(t.inst.serving) == 0: // its CPU is frozen
		return false
	}
	return slices.ContainsFunc(t.calls, (*call).free)
}

// free reports whether the call is not held by a stall.
func (c *call) free() bool { return c.heldUntil.IsZero() }

// ownTask returns the task of what an instance does by itself.
func (w *world) ownTask(i *instance) *task {
	if i.own == nil {
		i.own = &task{name: "instance(" + i.cause + ")", fn: i.fn, inst: i, stage: live, background: true, attempt: 1}
		w.tasks = append(w.tasks, i.own)
	}
	return i.own
}

// candidates lists what may happen next in benign order: the task that ran
// last while it is ready, then the others by when they became ready, and
// clients' requests, in the order listed, when nothing else is.
func (w *world) candidates() []candidate {
	var tasks []*task
	for _, t := range w.tasks {
		if t.ready() {
			tasks = append(tasks, t)
		}
	}
	slices.SortStableFunc(tasks, func(a, b *task) int {
		if d := w.rank(a) - w.rank(b); d != 0 {
			return d
		}
		if w.rank(a) == 2 { // by position in the workload
			return a.request.order - b.request.order
		}
		return a.readySince - b.readySince
	})
	var out []candidate
	for _, t := range tasks {
		for _, c := range t.calls {
			if c.free() {
				out = append(out, candidate{t, c})
			}
		}
		if t.stage == pending || t.stage == ended {
			out = append(out, candidate{task: t})
		}
	}
	return out
}

func (w *world) rank(t *task) int {
	switch {
	case t == w.current:
		return 0
	case t.stage == pending && t.request != nil:
		return 2
	}
	return 1
}

// wait lets time pass until an instant or until something reaches the tap.
func (w *world) wait(until time.Time) {
	if until.Sub(w.sim.scenario.Epoch) > w.sim.scenario.Horizon {
		w.stop(Inconclusive, fmt.Sprintf("the run has not ended after %v of virtual time (Horizon)", w.sim.scenario.Horizon))
		return
	}
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
		w.random.reseed(e.name)
		e.fire()
		w.settle(e.name)
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
	if v := w.monitor.Quiesce(newStores(w.backends)); len(v) > 0 {
		w.violated(v[0], "")
		return
	}
	if n := w.monitor.Stats().Malformed; n > 0 {
		w.stop(Inconclusive, fmt.Sprintf("%d events are malformed for a property, the first: %v", n, w.monitor.Stats().Reasons[0]))
		return
	}
	w.stop(Held, "")
}

// close ends everything that still runs: instances die, and time passes so
// that what only sleeps can end.
func (w *world) close() {
	w.aliveAtEnd = map[string]bool{}
	for _, i := range w.instances {
		w.aliveAtEnd[i.id] = !i.dead
		w.end(i)
	}
	bubble.Wait()
	for _, b := range w.backends {
		b.backend.Close()
	}
	time.Sleep(15 * time.Minute) // longer than any backoff
	bubble.Wait()
}
