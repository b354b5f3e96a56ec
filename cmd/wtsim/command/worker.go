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
	"github.com/wtsim/wtsim/sim/search"
)

// message is a line that a worker of a search prints: one of these.
type message struct {
	At      int      `json:"at,omitempty"` // this schedule begins
	Ended   *ended   `json:"ended,omitempty"`
	Unclear *unclear `json:"unclear,omitempty"` // one that has ended was not repeatable
	Found   *found   `json:"found,omitempty"`
	Done    *done    `json:"done,omitempty"`
}

// ended is a schedule that has ended.
type ended struct {
	Number         int      `json:"number"`
	By             string   `json:"by"`              // the strategy that made it
	Order          uint64   `json:"order,omitempty"` // hash of its partial order
	Taken, Missing []string `json:",omitempty"`      // cases of effects that are new, see [search.Coverage]
	Why            string   `json:"why,omitempty"`   // it could not be judged
	Stuck          bool     `json:"stuck,omitempty"` // because it was stuck
}

// found is a schedule that violates and is repeatable, as it was found.
type found struct {
	Number   int       `json:"number"`
	Pruned   int       `json:"pruned,omitempty"` // up to it
	Reported *reported `json:"reported"`
}

// done is a worker's last word.
type done struct {
	Through int  `json:"through"`          // every schedule of its share up to here was run
	Whole   bool `json:"whole,omitempty"`  // there are no more
	Stuck   bool `json:"stuck,omitempty"`  // too many runs were
	Pruned  int  `json:"pruned,omitempty"` // of all that it has enumerated
}

// work does a child's job. Interrupts are the parent's to deal with: it
// closes standard input.
func (a *app) work(o *runOptions, j job) (int, error) {
	signal.Ignore(os.Interrupt)
	switch {
	case j.verb == "search" && len(j.args) >= 3:
		s := o.search()
		s.Worker, s.Workers, s.From, s.Lost = int(j.args[0]), int(j.args[1]), int(j.args[2]), set(j.args[3:])
		return a.workSearch(o, s)
	case j.verb == "journal" && len(j.args) >= 1:
		return a.workJournal(o, int(j.args[0]), set(j.args[1:]))
	case j.verb == "report" && len(j.args) >= 1:
		r, err := a.report(o, int(j.args[0]), set(j.args[1:]))
		if err != nil {
			return 0, err
		}
		return exitHeld, encoder(a.stdout).Encode(r)
	}
	return 0, fmt.Errorf("%s=%q is not a job", jobVariable, os.Getenv(jobVariable))
}

func set(numbers []int64) map[int]bool {
	out := map[int]bool{}
	for _, n := range numbers {
		out[int(n)] = true
	}
	return out
}

// encoder writes JSON as the files have it.
func encoder(w io.Writer) *json.Encoder {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e
}

func (a *app) workSearch(o *runOptions, s search.Options) (int, error) {
	out := encoder(a.stdout)
	ctx, limit := orders(os.Stdin)
	s.Limit = func() int { return int(limit.Load()) }
	s.Before = func(n int) { _ = out.Encode(message{At: n}) }
	var covered search.Coverage
	s.After = func(schedule scheduler.Schedule, r *sim.Result) {
		e := ended{Number: schedule.Number, By: schedule.Strategy, Why: r.Why, Stuck: r.Abandoned}
		if !r.Abandoned { // how far it got depends on the machine
			e.Order = r.Record.Hash
			e.Taken, e.Missing = covered.Add(r)
		}
		_ = out.Encode(message{Ended: &e})
	}
	s.Differs = func(u search.Unrepeatable) {
		_ = out.Encode(message{Unclear: &unclear{u.Number, notRepeatable(u.Number, u.Difference)}})
	}
	f, err := o.subject.Search(ctx, s)
	if err != nil {
		return 0, err
	}
	if f.Result != nil {
		r := o.asFound(f)
		_ = out.Encode(message{Found: &found{f.Number, f.Schedule.Pruned, r}})
	}
	return exitHeld, out.Encode(message{Done: &done{f.Through, f.Complete, f.Stuck, f.Pruned}})
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

// schedule returns a schedule of a search by its number, and makes the
// subject that of its inputs.
func (o *runOptions) schedule(s search.Options, number int) (scheduler.Schedule, error) {
	schedule, ok, err := o.subject.Schedule(s, number)
	if err == nil && !ok {
		err = fmt.Errorf("there is no schedule %d", number)
	}
	if err == nil {
		o.subject, err = o.subject.Of(s, number)
	}
	return schedule, err
}
