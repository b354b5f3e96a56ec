package command

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"sync/atomic"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// message is a line that a worker of a search prints.
type message struct {
	At    int    `json:"at,omitempty"`    // this schedule begins; with Why, the one that it is about
	Order uint64 `json:"order,omitempty"` // of the one that has ended: hash of its partial order
	By    string `json:"by,omitempty"`    // with Order: the strategy that made it
	Found int    `json:"found,omitempty"` // this one violates
	What  string `json:"what,omitempty"`  // with Found: the property
	Ran   int    `json:"ran,omitempty"`   // at the end: how many were run
	Whole bool   `json:"whole,omitempty"` // at the end: there are no more
	Why   string `json:"why,omitempty"`   // at the end: a run that could not be judged
	Done  bool   `json:"done,omitempty"`

	Pruned         int      `json:"pruned,omitempty"` // at the end
	Taken, Missing []string `json:",omitempty"`       // at the end, and when they have changed: cases of effects, see [sim.Coverage]
}

// work does a child's job. Interrupts are the parent's to deal with: it
// closes standard input.
func (a *app) work(o *runOptions, j job) (int, error) {
	signal.Ignore(os.Interrupt)
	switch {
	case j.verb == "search" && len(j.args) == 2:
		return a.workSearch(o, int(j.args[0]), int(j.args[1]))
	case j.verb == "journal" && len(j.args) == 1:
		return a.workJournal(o, int(j.args[0]))
	case j.verb == "report" && len(j.args) == 3:
		return a.report(o, int(j.args[0]), int(j.args[1]), j.args[2])
	}
	return 0, fmt.Errorf("%s=%q is not a job", jobVariable, os.Getenv(jobVariable))
}

func (a *app) workSearch(o *runOptions, worker, workers int) (int, error) {
	out := json.NewEncoder(a.stdout)
	ctx, limit := orders(os.Stdin)
	s := o.search()
	s.Worker, s.Workers = worker, workers
	s.Limit = func() int { return int(limit.Load()) }
	s.Before = func(n int) { _ = out.Encode(message{At: n}) }
	var covered sim.Coverage
	s.After = func(schedule scheduler.Schedule, r *sim.Result) {
		m := message{Order: r.Record.Hash, By: schedule.Strategy}
		taken, all := covered.Counts()
		covered.Add(r)
		if t, a := covered.Counts(); t != taken || a != all {
			m.Taken, m.Missing = covered.Cases()
		}
		_ = out.Encode(m)
	}
	found, err := o.simulation.Search(ctx, s)
	if err != nil {
		return 0, err
	}
	if found.Result != nil {
		_ = out.Encode(message{Found: found.Number, What: found.Result.Violation.Property})
	}
	end := message{Done: true, Ran: found.Ran, Whole: found.Complete, Pruned: found.Pruned}
	end.Taken, end.Missing = covered.Cases()
	switch {
	case found.Unrepeatable != nil:
		end.At, end.Why = found.Unrepeatable.Number, notRepeatable(found.Unrepeatable.Number, found.Unrepeatable.Difference)
	case found.Inconclusive != nil:
		end.At, end.Why = found.Unclear, found.Inconclusive.Why
	}
	return exitHeld, out.Encode(end)
}

// orders reads what the parent says: a number is the last schedule worth
// running; the end of the input means stop.
func orders(in io.Reader) (context.Context, *atomic.Int64) {
	limit := &atomic.Int64{}
	limit.Store(math.MaxInt32)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel()
		lines := bufio.NewScanner(in)
		for lines.Scan() {
			var n int64
			if _, err := fmt.Sscan(lines.Text(), &n); err == nil {
				limit.Store(n)
			}
		}
	}()
	return ctx, limit
}

// workJournal runs one schedule that is known to end its process.
func (a *app) workJournal(o *runOptions, number int) (int, error) {
	schedule, err := o.schedule(number)
	if err != nil {
		return exitUsage, err
	}
	o.simulation.Run(&journal{source: schedule.Source, out: json.NewEncoder(a.stdout)})
	return exitHeld, nil
}

// journal prints each deviation as it is decided.
type journal struct {
	source scheduler.Source
	out    *json.Encoder
}

func (j *journal) Choose(d *scheduler.Decision) int {
	i := j.source.Choose(d)
	if i > 0 {
		_ = j.out.Encode(scheduler.Deviation{At: d.At, Do: d.Options[i].Do, With: d.Options[i].With})
	}
	return i
}

// schedule returns a schedule by its number, and makes the simulation that of
// its inputs.
func (o *runOptions) schedule(number int) (scheduler.Schedule, error) {
	schedule, ok, err := o.simulation.Schedule(o.search(), number)
	if err == nil && !ok {
		err = fmt.Errorf("there is no schedule %d", number)
	}
	if err == nil {
		o.simulation, err = o.simulation.Of(o.search(), number)
	}
	return schedule, err
}
