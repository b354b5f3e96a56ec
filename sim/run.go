package sim

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/internal/bubble"
	"github.com/wtsim/wtsim/internal/steady"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/scheduler"
)

// Verdict is what a run has shown: the word is the monitor's.
type Verdict = monitor.Verdict

// The verdicts.
const (
	Held         = monitor.Held
	Violated     = monitor.Violated
	Inconclusive = monitor.Inconclusive
)

// Result is what a run has shown.
type Result struct {
	Verdict   Verdict
	Violation *monitor.Violation // where violated
	Looked    []Looked           // what it is about, if a check of the end has found it
	Why       string             // where inconclusive: the reason, in a sentence
	Abandoned bool               // it was stuck, and its goroutines are still there
	Busy      bool               // one of these computes without end
	Stack     string             // of a panic, a leak, a deadlock or a lock
	Record    *scheduler.Record  // decisions, and the plan that was followed
	Unmatched scheduler.Plan     // deviations of a replayed plan that did not occur
	Limits    []string           // what the simulation lacks that the application asked for
	Hint      string             // of a violation: what else than the application it may be due to, in a sentence
	Steps     []Step
	Hash      string // of the trace
	Runtime   string // [Patched] or empty: what the trace depends on beside the Go version
	Functions []string
	Reach     Reach // of a run that has come to rest
}

// Run runs the scenario once. It is a pure function of the scenario and of
// the source's choices: a run that cannot be brought to an end is
// inconclusive, never a hang.
//
// Its record has no steps unless the source watches them; those of a search
// have.
func (s *Simulation) Run(source scheduler.Source) *Result {
	if scheduler.Watches(source) {
		return s.RunWatched(source, WatchStates)
	}
	return s.RunWatched(source, WatchNothing)
}

// Watch is how much a run's record tells beside decisions.
type Watch uint8

// What a record may tell.
const (
	WatchNothing Watch = iota
	WatchSteps         // the steps, and what properties do
	WatchStates        // and the state at each decision, for a bounded search
	WatchStores        // the steps, and what each has changed in stores
)

// RunWatched is [Simulation.Run] for a search, which says how much it wants to
// know.
func (s *Simulation) RunWatched(source scheduler.Source, watch Watch) *Result {
	return s.RunTelling(source, watch, nil)
}

// RunTelling is [Simulation.RunWatched] for a process that may not live to the
// end of it: judged, if it is not nil, gets the result as soon as there is one,
// before what handlers still have under way is ended. What that may add is what
// it leaves behind.
func (s *Simulation) RunTelling(source scheduler.Source, watch Watch, judged func(*Result)) *Result {
	s.knowBenign()
	w, err := s.world(source, watch, judged)
	return w.finish(err)
}

// world is a world whose run is over.
func (s *Simulation) world(source scheduler.Source, watch Watch, judged func(*Result)) (w *world, err error) {
	defer steady.Collect()
	if err := s.scenario.readyPrograms(); err != nil {
		panic(err) // Compile has built them
	}
	s.scenario.prepare()
	g := borrow(s.scenario.Name)
	defer g.giveBack()
	defer steady.OneThread()()
	err = bubble.Run(s.watchdog, func(beat *bubble.Beat) {
		w = newWorld(s, source, watch, g, beat)
		w.judged = judged
		g.route(w)
		w.run()
	})
	w.unshare()
	return w, err
}

// Impatient is the same simulation for runs that repeat one in which a handler
// has computed without end: a quarter of the time shows it.
func (s *Simulation) Impatient() *Simulation {
	out := *s
	out.watchdog.Busy = 5 * time.Second
	return &out
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
	result := *w.result
	r := &result
	r.Runtime = RuntimeName()
	r.Record, r.Steps, r.Hash = w.chance.record.Record(), w.story.steps, w.story.trace.hash()
	if w.story.does { // it did not come to an end
		r.Steps = append(r.Steps, w.story.doing)
	}
	w.services.answered(r.Steps)
	if w.chance.replay != nil {
		r.Unmatched = w.chance.replay.Unmatched()
	}
	var stuck *bubble.Stuck
	var leak *bubble.Leak
	switch {
	case r.Verdict == Violated: // whatever else happened
	case errors.As(err, &stuck) && r.Verdict == "": // else dead instances unwind
		r.reportStuck(&w.gate, stuck)
		r.findEndless(&w.gate, stuck)
	case errors.As(err, &leak) && r.Verdict == Held:
		r.reportLeak(&w.gate, leak.Goroutines())
	}
	if r.limit(&w.services.kernel.limits, w.sim.scenario.Meant); r.Verdict == Violated {
		r.Hint = w.workload.hint(w.chance.faults)
	}
	return r
}

// reportStuck tells which function kept the run from moving on.
func (r *Result) reportStuck(gate *gate, s *bubble.Stuck) {
	r.Verdict, r.Abandoned, r.Busy = Inconclusive, true, s.Busy
	g, where := gate.culprit(s.Goroutines)
	r.Stack = g.String()
	switch {
	case s.Busy && !strings.HasPrefix(g.State, "syscall"):
		r.Why = fmt.Sprintf("%s computes without end, at %s", where, g.Caller())
	case strings.HasPrefix(g.State, "sync.") || g.State == "semacquire":
		r.Why = fmt.Sprintf("%s waits for a lock (%s at %s) that is held across a call or a sleep; %s", where, g.State, g.Caller(), lockHelp())
	case strings.HasPrefix(g.State, "chan ") || g.State == "select":
		r.Why = fmt.Sprintf("%s waits for a channel that was made outside the run (%s at %s), as package variables are; what belongs to a function instance is made by New", where, g.State, g.Caller())
	default:
		r.Why = fmt.Sprintf("%s waits for something outside the simulation (%s at %s): a call past the seam", where, g.State, g.Caller())
	}
}

// findEndless makes a finding of an invocation that computes without end where
// nothing that the run could bring would end it: it is alone on its instance,
// with nothing under way, and looks neither at the clock nor at others.
func (r *Result) findEndless(gate *gate, s *bubble.Stuck) {
	if !s.Busy || s.Polls || len(s.Goroutines) != 1 || strings.HasPrefix(s.Goroutines[0].State, "syscall") {
		return
	}
	label := s.Goroutines[0].Label(probe.LabelKey)
	o := gate.owner(label)
	if o == nil || o.building || o.task.Own || o.inst.Dead() || len(o.inst.serving) != 1 || len(o.task.calls) > 0 {
		return
	}
	if len(bubble.Labelled(probe.LabelKey)[label]) != 1 || len(gate.take().arrivals) > 0 {
		return // it may wait for one of these
	}
	r.Verdict, r.Why, r.Violation = Violated, "", finding(allEnd, o.task)
}

// culprit picks the goroutine to tell about: one that works for an invocation,
// else one that a constructor has started (a client's own, mostly, which only
// waits for its turn), if there is one.
func (g *gate) culprit(goroutines []bubble.Goroutine) (x bubble.Goroutine, where string) {
	for _, building := range []bool{false, true} {
		for _, x := range goroutines {
			if o := g.owner(x.Label(probe.LabelKey)); o != nil && o.building == building {
				return x, o.who() + o.inst.epitaph()
			}
		}
	}
	return goroutines[0], "a goroutine of no function"
}

// epitaph says that an instance has died: what it still does is not its own
// fault.
func (i *instance) epitaph() string {
	i.world.gate.mu.Lock()
	defer i.world.gate.mu.Unlock()
	if i.Dead() {
		return ", whose instance has died,"
	}
	return ""
}

// reportLeak tells of goroutines that invocations left blocked for ever, on
// instances that were alive at the end. What a constructor has started lives
// as long as its instance and is none, nor is what only sleeps, nor what may
// wait for one that was ended when it called a service after the run.
func (r *Result) reportLeak(gate *gate, left []bubble.Goroutine) {
	for _, g := range left {
		o := gate.owner(g.Label(probe.LabelKey))
		if o == nil || o.building || g.Sleeping() || !o.inst.survived || gate.departed[g.Label(probe.LabelKey)] {
			continue
		}
		r.Verdict, r.Stack = Violated, g.String()
		r.Violation = finding(noneStuck, o.task)
		return
	}
}

// NoExit is the property that no run of this process can show: who has started
// it finds that it has ended.
const NoExit = "handlers do not end their process"

// What else holds for every application.
const (
	noPanic   = "handlers do not panic"
	allEnd    = "invocations end"
	noneStuck = "invocations leave no goroutine blocked"
)

// EveryApplication returns the names of the properties that hold for every
// application, whatever its scenario says.
func EveryApplication() []string { return []string{noPanic, NoExit, allEnd, noneStuck} }

// finding is a violation of what holds for every application.
func finding(property string, t *task) *monitor.Violation {
	return &monitor.Violation{
		Property: property, Certainty: monitor.Certain,
		Binding: monitor.Binding{{Name: "function", Value: event.Str(t.fn.Name)}},
	}
}

// stop ends the run.
func (r *Result) stop(v Verdict, why string) {
	if r.Verdict == "" {
		r.Verdict, r.Why = v, why
	}
}

// violated ends the run with a violation.
func (r *Result) violated(v monitor.Violation, stack string) {
	if r.Verdict == "" {
		r.Verdict, r.Violation, r.Stack = Violated, &v, stack
	}
}

func (r *Result) findPanic(t *task) {
	if m, ok := t.ending.Panic.Value.(probe.Mistake); ok {
		r.stop(Inconclusive, string(m))
		return
	}
	property, words := noPanic, fmt.Sprintf("panic: %v", t.ending.Panic.Value)
	if t.ending.Panic.Value == exitInTest {
		property, words = NoExit, "os.Exit(0)"
	}
	r.find(property, t, words+"\n\n"+t.ending.Panic.Stack)
}

// exitInTest is what os.Exit(0) panics with under go test, where it would let
// tests pass that have not run (internal/testlog.PanicOnExit0).
const exitInTest = "unexpected call to os.Exit(0) during test"

// find ends the run with a violation of what holds for every application.
func (r *Result) find(property string, t *task, stack string) {
	r.violated(*finding(property, t), stack)
}
