// Package workers shares a search among processes of one program, which it
// starts itself: a fatal error in a handler is a finding and not the end of
// the search, and what is found does not depend on their number.
//
// The process that starts the others makes a [Pool]; each of them does the
// [Job] that it was started for ([Work.Serve]). A search can also be dealt in
// shards, to as many machines: each leaves a [Shard] as a file, and [Merged]
// puts them together again.
package workers

import (
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"time"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// Pool is a search that processes of this program share. Its many fields are
// what it is told (half of them are exported) and what its one loop has heard.
type Pool struct {
	Work
	Workers       int              // how many processes
	Shard, Shards int              // of all schedules this is part Shard of Shards, from 1; 0 for all
	Strict        bool             // what no schedule has reached fails the search
	Exhaustive    bool             // every schedule is to be run: the search is inconclusive if one was not
	Duration      time.Duration    // after which it ends, in real time; 0 for none
	Command       func() *exec.Cmd // starts a process that calls [Work.Serve] with the same work
	Stderr        io.Writer        // what these processes print on standard error is passed on
	Interrupts    <-chan os.Signal // the first ends the search, a further one the reduction of what it has found
	Progress      func(Progress)   // if not nil, is told how far it is, several times a second

	began       time.Time
	workers     []*worker
	running     int
	events      chan workerEvent
	yields      map[string]*Yield
	estimate    int    // of all schedules, by the newest that has ended
	first       int    // the lowest schedule that violates; 0 if none is known
	what        string // it does
	found       map[int]*Finding
	fatal       map[int]*search.Fatal
	unclear     Unclear
	interrupted bool
	timeUp      bool
	seen        tally
	empty       string // why no schedule proves anything, if so
	pruned      int
}

// End is the end of a search: what it has shown.
type End struct {
	Verdict     sim.Verdict
	Why         string // where inconclusive
	Schedules   int    // that were run, up to the one that was looked at
	Complete    bool   // every schedule was run
	Interrupted bool
	Statistics
	Elapsed time.Duration
	Inputs  json.RawMessage // that all schedules have drawn
	// Number is the schedule that violates, or that was looked at; 0 if none
	// was. Finding is what became of it; nil if a lower one could not be judged.
	Number  int
	Finding *Finding
	// Unjudged is the lowest schedule that could not be judged, where the search
	// is inconclusive because of it: its plan, and what can be said of it.
	Unjudged *Finding
}

// Search runs the schedules, in as many processes as there are workers, until
// one violates, all were run, or it is interrupted. The error is one of ours.
func (p *Pool) Search() error {
	p.began, p.events, p.yields, p.seen = time.Now(), make(chan workerEvent), map[string]*Yield{}, newTally() //wtsim:clock how long people wait, no part of a run
	p.found, p.fatal = map[int]*Finding{}, map[int]*search.Fatal{}
	if p.Single {
		p.first = 1
		return nil
	}
	for i := range p.Workers {
		w := &worker{index: i}
		p.workers = append(p.workers, w)
		if err := p.start(w); err != nil {
			return err
		}
	}
	return p.follow()
}

// End examines the schedule that violates, if there is one, and says what the
// search has shown. The error is one of ours.
func (p *Pool) End() (*End, error) {
	e, err := p.nothing, error(nil)
	if p.first != 0 {
		e = func() (*End, error) { return p.something(p.first) }
	}
	end, err := e()
	if err != nil {
		return nil, err
	}
	end.Elapsed, end.Interrupted = time.Since(p.began), p.interrupted //wtsim:clock how long people wait, no part of a run
	if !p.Single {
		end.PerSecond = float64(p.ran()) / end.Elapsed.Seconds()
	}
	return end, nil
}

type workerEvent struct {
	worker  *worker
	message message
	code    int           // with ended
	fatal   *search.Fatal // with ended
	ended   bool
	err     error
}

// listen passes on what a worker says.
func (p *Pool) listen(w *worker, out io.Reader, heard chan<- struct{}) {
	defer close(heard)
	for said := gob.NewDecoder(out); ; {
		var m message
		if err := said.Decode(&m); err != nil { // the last one may be cut
			_, _ = io.Copy(io.Discard, out)
			return
		}
		p.events <- workerEvent{worker: w, message: m}
	}
}

// follow takes note of what workers say until all have ended.
func (p *Pool) follow() error {
	var timeUp <-chan time.Time
	if p.Duration > 0 {
		timeUp = time.After(p.Duration)
	}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for p.running > 0 {
		select {
		case <-p.Interrupts:
			p.interrupted = true
			p.stop()
		case <-timeUp:
			p.timeUp = true
			p.stop()
		case <-tick.C:
			if p.Progress != nil {
				p.Progress(p.progress())
			}
		case e := <-p.events:
			if err := p.note(e); err != nil {
				p.stop()
				return err
			}
		}
	}
	return nil
}

// note takes in one event of a worker. The error is one of ours.
func (p *Pool) note(e workerEvent) error {
	w := e.worker
	switch m := e.message; {
	case e.ended:
		p.running--
		return p.hasEnded(e)
	case m.At > 0:
		w.at = m.At
	case m.Ended != nil:
		w.ended(m.Ended)
		p.yielded(m.Ended)
		p.estimate = m.Ended.Estimate
		p.seen.add(m.Ended)
		p.unclear.note(m.Ended.Number, m.Ended.Why)
	case m.Empty != "":
		p.empty = m.Empty
	case m.Unclear != nil:
		p.unclear.note(m.Unclear.Schedule, m.Unclear.Why)
	case m.Found != nil:
		p.found[m.Found.Number] = m.Found
		p.violates(m.Found.Number, fmt.Sprintf("property %q violated", m.Found.Shrunk.Result.Violation.Property))
	case m.Done != nil:
		w.done, w.through = m.Done, max(w.through, m.Done.Through)
		p.pruned = max(p.pruned, m.Done.Pruned) // every worker enumerates all
	}
	return nil
}

// violates keeps the lowest schedule that violates; workers need not go beyond
// it.
func (p *Pool) violates(number int, what string) {
	if p.first != 0 && p.first <= number {
		return
	}
	p.first, p.what = number, what
	for _, w := range p.workers {
		_, _ = fmt.Fprintln(w.stdin, number)
	}
}

func (p *Pool) stop() {
	for _, w := range p.workers {
		w.Stop()
	}
}

func (p *Pool) ran() int {
	n := 0
	for _, w := range p.workers {
		n += w.ran
	}
	return n
}

// whole reports whether every schedule was run.
func (p *Pool) whole() bool {
	for _, w := range p.workers {
		if w.done == nil || !w.done.Whole {
			return false
		}
	}
	return true
}

// nothing is the end of a search that found no violation.
func (p *Pool) nothing() (*End, error) {
	whole := p.whole()
	e := &End{Verdict: sim.Held, Schedules: p.ran(), Statistics: p.seen.statistics(math.MaxInt)}
	e.Pruned = p.pruned
	e.Complete = whole && p.unclear.Why == "" && p.empty == "" && p.Shards == 0 // a shard is no space
	switch {
	case p.unclear.Why != "":
		e.Verdict, e.Why = sim.Inconclusive, p.unclear.String()
		e.Unjudged = p.unjudged(p.unclear)
	case p.empty != "":
		e.Verdict, e.Why = sim.Inconclusive, p.empty
	case p.Exhaustive && !whole:
		e.Verdict, e.Why = sim.Inconclusive, NotAllRun(p.Options.Bound)
	case p.Shards == 0 && !p.Single:
		long := e.Complete && p.Options.Bound > 0 || e.Schedules >= search.LongSearch
		e.unreached(p.Subject.Unreached(p.seen.reach, long), p.Strict)
	}
	if p.Options.Strategy == "bounded" { // all schedules have the same inputs
		of, err := p.Subject.Of(p.Options, 1)
		if err != nil {
			return nil, err
		}
		e.Inputs = of.Inputs()
	}
	return e, nil
}

// unjudged is a schedule that could not be judged, with its plan.
func (p *Pool) unjudged(u Unclear) *Finding {
	f := &Finding{Number: u.Schedule, Verdict: sim.Inconclusive, Why: u.Why}
	schedule, plan, err := p.journaled(u.Schedule)
	of, drawn := p.Subject.Of(p.Options, u.Schedule)
	if err := errors.Join(err, drawn); err != nil {
		f.Trouble = fmt.Sprintf("the plan of schedule %d could not be had: %v", u.Schedule, err)
		return f
	}
	f.Strategy, f.Seed, f.Inputs = schedule.Strategy, schedule.Seed, of.Inputs()
	f.Counterexample = search.NewCounterexample(of.Simulation, f.Seed, &sim.Result{Record: &scheduler.Record{Plan: plan}, Runtime: sim.RuntimeName()})
	return f
}

// NotAllRun says why an exhaustive search that has found nothing is
// inconclusive.
func NotAllRun(bound int) string {
	return "the schedules with at most " + deviations(bound) + " were not all run"
}

func deviations(n int) string {
	if n == 1 {
		return "1 deviation"
	}
	return fmt.Sprintf("%d deviations", n)
}

// something is the end of a search that has a schedule to examine.
func (p *Pool) something(number int) (*End, error) {
	f, err := p.examined(number)
	if err != nil {
		return nil, err
	}
	e := &End{Verdict: f.Verdict, Why: f.Why, Number: number, Finding: f, Schedules: dealt(p.Options.Strategy, number, p.Shard, p.Shards)}
	if p.Single {
		e.Schedules = 1
		return e, nil
	}
	if f.Verdict == sim.Inconclusive {
		p.unclear.note(number, f.Why)
		e.because(p.unclear)
	}
	e.Statistics = p.seen.statistics(number)
	if found := p.found[number]; found != nil {
		e.Pruned = found.Pruned
	}
	return e, nil
}

// because makes an inconclusive end that of the lowest schedule that could not
// be judged, where that is lower than the one that was looked at.
func (e *End) because(u Unclear) {
	if e.Verdict == sim.Inconclusive && u.Why != "" && u.Schedule < e.Number {
		e.Why, e.Finding = u.Why, nil
	}
}

// dealt is how many of the schedules up to a number are those of a shard.
func dealt(strategy string, through, shard, shards int) int {
	if shards == 0 {
		return through
	}
	n := 0
	for i := 1; i <= through; i++ {
		if scheduler.Owner(strategy, i, shards) == shard-1 {
			n++
		}
	}
	return n
}
