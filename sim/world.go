package sim

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/internal/bubble"
	"github.com/wtsim/wtsim/internal/seeded"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/scheduler"
)

// stepTime is the virtual time between two steps.
const stepTime = 10 * time.Microsecond

// world is the simulated platform during one run. Its loop runs on the
// bubble's main goroutine; between two quiescent points handlers' goroutines
// call into it through their taps, by way of the gate. Its fields are its parts,
// its methods the loop and what lies between two parts.
type world struct {
	sim     *Simulation
	beat    *bubble.Beat
	monitor *monitor.Monitor
	stress  *stress // if nobody schedules
	final   *stores // at the end of the benign run, if a property asks
	result  *Result
	judged  func(*Result) // is told the result when it is known; may be nil
	atStart int           // goroutines of the process, when the run began

	agenda   agenda    // what falls due, and when
	gate     gate      // what handlers' goroutines bring
	chance   chance    // what is decided
	story    chronicle // what is told
	insight  insight   // what strategies know
	roster   roster    // the tasks
	fleet    fleet     // functions and their instances
	services services  // what they use, and what invokes them
	workload workload  // clients
	stalls   stalls    // calls that are held
	offers   offers    // what may be decided
	threads  threads   // goroutines, on the patched runtime
	seam     seam      // ways out that are closed
	entropy  entropy   // who draws what at random
}

func newWorld(s *Simulation, source scheduler.Source, watch Watch, g *globals, beat *bubble.Beat) *world {
	w := &world{sim: s, beat: beat, result: &Result{}}
	w.monitor = s.program.Monitor(monitor.Options{Coverage: watch != WatchNothing})
	w.gate = newGate(beat)
	w.chance = chance{record: scheduler.NewDecider(source), limits: &s.scenario.Faults, state: w.state}
	w.chance.replay, _ = source.(*scheduler.Replay)
	w.chance.follower, _ = source.(follower)
	w.story = chronicle{trace: newTrace(), output: g.output}
	w.entropy = entropy{random: g.random, scenario: s.scenario.Name, runNumber: strconv.FormatUint(runs.Add(1), 10)}
	w.fleet = newFleet(&s.scenario)
	w.services = services{of: s.scenario.Services, programs: s.scenario.hasPrograms(), kernel: kernel{
		scenario: &s.scenario, deployed: s.scenario.Deployment(), gate: &w.gate, agenda: &w.agenda, roster: &w.roster,
		fleet: &w.fleet, chance: &w.chance, story: &w.story, services: &w.services,
	}}
	w.workload = workload{scenario: &s.scenario, kernel: &w.services.kernel, gate: &w.gate}
	w.insight = insight{watch: watch, sim: s, record: w.chance.record, services: &w.services, fleet: &w.fleet}
	w.stalls = stalls{agenda: &w.agenda, services: &w.services, longest: s.scenario.Platform.LongestRetry,
		horizon: s.scenario.Epoch.Add(s.scenario.Horizon)}
	w.offers = offers{skew: s.scenario.Faults.Skew, outage: s.scenario.Faults.Outage, services: &w.services, stalls: &w.stalls, beat: beat}
	w.threads = threads{world: w}
	beat.More = w.fleet.goOn
	w.seam = seam{gate: &w.gate, fleet: &w.fleet, services: &w.services, roster: &w.roster}
	return w
}

// run is the whole run, inside its bubble.
func (w *world) run() {
	time.Sleep(time.Until(w.sim.scenario.Epoch)) //wtsim:clock the bubble's clock
	defer w.close()
	w.atStart = runtime.NumGoroutine()
	w.entropy.seed("begin")
	w.threads.orderly()
	w.entropy.seed("begin")
	if err := w.services.open(); err != nil {
		w.result.stop(Inconclusive, fmt.Sprintf("a service could not be started: %v", err))
		return
	}
	w.addStandbys()
	w.services.start()
	w.workload.addClients()
	if w.insight.watch == WatchStores {
		w.changes() // from what they hold at first
	}
	for w.result.Verdict == "" {
		w.next()
	}
	if w.sim.atEnd != nil {
		w.sim.atEnd(newStores(w.services.backends))
	}
}

// next does one step, or lets time pass until there is one to do.
func (w *world) next() {
	woken := w.settle("")
	w.fireDue()
	if w.result.Verdict != "" {
		return
	}
	ready := w.roster.candidates()
	switch {
	case w.story.counted >= w.sim.scenario.MaxSteps && (woken || len(ready) > 0):
		w.result.stop(Inconclusive, fmt.Sprintf("the run has not ended after %d steps (MaxSteps); the last was %s", w.story.counted, w.story.last))
	case woken:
		w.pass(stepTime)
	case len(ready) > 0:
		c := w.choose(ready)
		w.perform(c)
		w.pass(stepTime)
	case !w.agenda.empty():
		w.wait(w.agenda.first())
	case w.fleet.lingers():
		w.wait(w.fleet.idleSince.Add(w.sim.scenario.Platform.IdleFor))
	default:
		w.quiesce()
	}
}

// ownTask returns the task of what an instance does by itself.
func (i *instance) ownTask() *task {
	if i.own == nil {
		i.own = &task{Task: &cloud.Task{Name: cloud.NameOnly(i.fn.Name, cloud.About(i.name())), Root: i.root, Attempt: 1, Own: true}, fn: i.fn, inst: i, stage: live}
		i.world.roster.tasks = append(i.world.roster.tasks, i.own)
	}
	return i.own
}

// pass lets time pass.
func (w *world) pass(d time.Duration) {
	w.gate.fence()
	time.Sleep(d)
}

// wait lets time pass until an instant or until something reaches the tap.
func (w *world) wait(until time.Time) {
	if until.Sub(w.sim.scenario.Epoch) > w.sim.scenario.Horizon {
		w.result.stop(Inconclusive, fmt.Sprintf("the run has not ended after %v of virtual time (Horizon); the last was %s", w.sim.scenario.Horizon, w.story.last))
		return
	}
	w.story.waited = true
	w.gate.fence()
	timer := time.NewTimer(time.Until(until)) //wtsim:clock the bubble's clock
	defer timer.Stop()
	select {
	case <-w.gate.arrived:
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

// hasStory tells whether events say what is violated: that is told before what only the
// stores show at the end, since it has a story, and can be found in what production
// has recorded.
func hasStory(v monitor.Violation) bool { return len(v.Witness) > 0 }

// quiesce asks the properties about the end of the run.
func (w *world) quiesce() {
	w.keepBenign()
	if len(w.chance.record.Plan) == 0 { // it is a look at all goroutines: in the benign run is enough
		w.missSignals(func(i *instance) bool { return !i.idle.IsZero() }) // it will be taken away; nobody waits for that
	}
	w.result.Reach = w.reach()
	if w.rest(); w.result.Verdict != "" {
		return
	}
	end := w.monitor.Quiesce(&quiescent{newStores(w.services.backends), w})
	if v := end.Violations(); len(v) > 0 {
		first := &v[max(0, slices.IndexFunc(v, hasStory))]
		w.result.violated(*first, "")
		w.result.Looked = w.lookedAt(first)
		return
	}
	if n := w.monitor.Stats().Malformed; n > 0 {
		w.result.stop(Inconclusive, fmt.Sprintf("%d events are malformed for a property, the first: %v", n, w.monitor.Stats().Reasons[0]))
		return
	}
	if len(end.Findings) > 0 {
		x := end.Findings[0]
		w.result.stop(Inconclusive, fmt.Sprintf("property %q: %s", x.Violation.Property, x.Why))
		return
	}
	w.result.stop(Held, "")
}

// close ends everything that still runs: instances die, and time passes so
// that what only sleeps can end. Who calls a service then, or waits for one, is
// ended there. Services close last: a client that finds itself closed tells the
// application, which has not closed it.
func (w *world) close() {
	w.gate.over.Store(true)
	seeded.Stop()
	if w.judged != nil {
		w.judged(w.finish(nil))
	}
	for _, i := range w.fleet.instances {
		i.survived = !i.Dead()
		i.end()
	}
	w.beat.Wait()
	w.pass(15 * time.Minute) // longer than any backoff
	w.beat.Wait()
	w.services.close()
	w.beat.Wait()
}
