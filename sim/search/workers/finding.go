package workers

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// Finding is what became of one schedule.
type Finding struct {
	Number   int
	Strategy string // that made the schedule
	Seed     uint64 // of strategies with seeds; else 0
	Pruned   int    // of a bounded search: plans left out up to here
	Verdict  sim.Verdict
	Why      string // where inconclusive
	// Shrunk has the run, of the smallest plan where that violates.
	Shrunk         search.Shrunk
	Benign         *sim.Result            // to compare it with; nil if it was not run
	Inputs         json.RawMessage        // of a scenario that draws them
	Counterexample *search.Counterexample // of a violation, or of what could not be judged
	Trouble        string                 // what has gone wrong besides
}

func newFinding(s scheduler.Schedule) *Finding {
	return &Finding{Number: s.Number, Strategy: s.Strategy, Seed: s.Seed, Pruned: s.Pruned}
}

// violates makes it a violation.
func (f *Finding) violates(s search.Shrunk, of search.Subject) {
	f.Verdict, f.Why, f.Shrunk, f.Inputs = sim.Violated, "", s, of.Inputs()
	f.Counterexample = search.NewCounterexample(of.Simulation, f.Seed, s.Result)
}

// asFound is a violation before anything else is done with it. Its steps are
// told once it was examined.
func asFound(f search.Found) *Finding {
	out := newFinding(f.Schedule)
	out.violates(search.AsFound(f.Result), f.Subject)
	return out.withoutRecord(false)
}

// withoutRecord leaves out what only searches need to know of runs, and the
// steps unless they are wanted.
func (f *Finding) withoutRecord(steps bool) *Finding {
	less := func(r *sim.Result) *sim.Result {
		if r == nil {
			return nil
		}
		out := *r
		out.Record = &scheduler.Record{Plan: r.Record.Plan}
		if !steps {
			out.Steps = nil
		}
		return &out
	}
	f.Shrunk.Result, f.Benign = less(f.Shrunk.Result), less(f.Benign)
	return f
}

// examine runs a schedule again, sees whether it repeats, and shrinks it.
func (w Work) examine(number int, lost map[int]bool, stop func() bool) (*Finding, error) {
	o := w.Options
	o.Lost = lost
	schedule, subject, err := w.schedule(o, number)
	if err != nil {
		return nil, err
	}
	r := subject.Run(schedule.Source)
	f := newFinding(schedule)
	f.Verdict, f.Why, f.Shrunk = r.Verdict, r.Why, search.AsFound(r)
	if why := w.unrepeatable(subject, number, r); why != "" {
		f.Verdict, f.Why = sim.Inconclusive, why
	}
	if f.Verdict == sim.Inconclusive {
		f.Counterexample = search.NewCounterexample(subject.Simulation, f.Seed, r)
	}
	if f.Verdict != sim.Violated {
		return f.withoutRecord(false), nil
	}
	shrunk := search.AsFound(r)
	if !w.NoShrink {
		shrunk, subject = subject.Shrink(r, stop)
	}
	f.violates(shrunk, subject)
	f.Benign = subject.Run(scheduler.Benign{})
	return f.withoutRecord(true), nil
}

// unrepeatable says how the schedule's run is another one when it is run
// again; empty if it is not.
func (w Work) unrepeatable(subject search.Subject, number int, r *sim.Result) string {
	if r.Verdict == sim.Inconclusive {
		return ""
	}
	if difference := subject.Repeats(r); difference != "" {
		return w.notRepeatable(number, difference)
	}
	if r.Verdict == sim.Held && !w.Single { // it violated where it was found
		return w.notRepeatable(number, "it violates in a process that has run others before, and not in a fresh one; "+
			"a run leaves state behind that later runs see, likely a package-level variable")
	}
	return ""
}

// notRepeatable says why the result is inconclusive.
func (w Work) notRepeatable(number int, difference string) string {
	if w.Single {
		return fmt.Sprintf("the schedule of seed %d was not repeatable: %s", w.Options.FirstSeed, difference)
	}
	return ofUnrepeatable(&search.Unrepeatable{Number: number, Difference: difference}).Why
}

// Unclear is the lowest schedule that could not be judged, if any.
type Unclear struct {
	Schedule int    `json:"schedule"`
	Why      string `json:"why"`
}

func ofUnrepeatable(u *search.Unrepeatable) *Unclear {
	return &Unclear{u.Number, fmt.Sprintf("schedule %d was not repeatable: %s", u.Number, u.Difference)}
}

// UnclearIn is the lowest schedule of a search that could not be judged, if
// there is one.
func UnclearIn(f search.Found) Unclear {
	var lowest Unclear
	if f.Inconclusive != nil {
		lowest.note(f.Unclear, f.Inconclusive.Why)
	}
	if f.Unrepeatable != nil {
		u := ofUnrepeatable(f.Unrepeatable)
		lowest.note(u.Schedule, u.Why)
	}
	return lowest
}

// String says why, and names the schedule.
func (u *Unclear) String() string {
	if name := fmt.Sprintf("schedule %d", u.Schedule); !strings.Contains(u.Why, name) {
		return u.Why + ", in " + name
	}
	return u.Why
}

func (u *Unclear) note(number int, why string) {
	if why != "" && (u.Why == "" || number < u.Schedule) {
		*u = Unclear{number, why}
	}
}
