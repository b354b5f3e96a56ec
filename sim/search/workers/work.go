package workers

import (
	"bufio"
	"context"
	"encoding/gob"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"sync/atomic"
	"time"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// Work is what is searched, and how: the processes of a pool are given the
// same.
type Work struct {
	Subject  search.Subject
	Options  search.Options
	Single   bool // one schedule, that of seed FirstSeed, and not a search
	NoShrink bool // what is found is kept as it was found
}

// The jobs of a pool's processes. L are schedules that must not be run again.
const (
	searchJob  = "search"  // I N F L...: run the schedules of worker I of N that come after F
	examineJob = "examine" // N L...: run schedule N again, and shrink it
	journalJob = "journal" // N L...: run schedule N, and tell each deviation as it is decided
)

// message is what a worker of a search says: one of these.
type message struct {
	At      int // this schedule begins
	Ended   *ended
	Unclear *Unclear // one that has ended was not repeatable
	Empty   string   // why no schedule proves anything
	Found   *Finding
	Done    *done
}

// ended is a schedule that has ended.
type ended struct {
	Number         int
	By             string   // the strategy that made it
	Order          uint64   // hash of its partial order; 0 if it is not known
	Taken, Missing []string // cases of effects that are new, see [search.Coverage]
	Reached        []string // what is new, see [search.Reached]
	Why            string   // it could not be judged
	Stuck          bool     // because it was stuck
	Estimate       int      // see [scheduler.Schedule]
}

// done is a worker's last word.
type done struct {
	Through int  // every schedule of its share up to here was run
	Whole   bool // there are no more
	Stuck   bool // too many runs were
	Pruned  int  // of all that it has enumerated
}

// Serve does a child's job: it says on out what the pool wants to know.
// Interrupts are the pool's to deal with: it closes standard input.
func (w Work) Serve(j Job, out io.Writer) error {
	signal.Ignore(os.Interrupt)
	say := gob.NewEncoder(out)
	switch {
	case j.Verb == searchJob && len(j.Args) >= 3:
		o := w.Options
		o.Worker, o.Workers, o.From, o.Lost = j.Args[0], j.Args[1], j.Args[2], set(j.Args[3:])
		return w.search(o, say)
	case j.Verb == examineJob && len(j.Args) >= 1:
		f, err := w.examine(j.Args[0], set(j.Args[1:]), Stopper())
		if err != nil {
			return err
		}
		return say.Encode(f)
	case j.Verb == journalJob && len(j.Args) >= 1:
		return w.journal(j.Args[0], set(j.Args[1:]), say)
	}
	return j.Unknown()
}

func set(numbers []int) map[int]bool {
	out := map[int]bool{}
	for _, n := range numbers {
		out[n] = true
	}
	return out
}

func (w Work) search(o search.Options, say *gob.Encoder) error {
	ctx, limit := Orders(os.Stdin)
	o.Limit = func() int { return int(limit.Load()) }
	o.Before = func(n int) { _ = say.Encode(message{At: n}) }
	var covered search.Coverage
	reached, first := search.NewReached(w.Subject.Simulation), o.Worker == 0 && o.From == 0
	o.After = func(schedule scheduler.Schedule, r *sim.Result) {
		e := ended{Number: schedule.Number, By: schedule.Strategy, Why: r.Why, Stuck: r.Abandoned, Estimate: schedule.Estimate}
		if !r.Abandoned { // how far it got depends on the machine
			e.Order = r.Record.Hash
			e.Taken, e.Missing = covered.Add(r)
			e.Reached = reached.Add(r)
		}
		_ = say.Encode(message{Ended: &e})
		if first && r.Verdict == sim.Held {
			first = false
			if v := w.Subject.Empty(); v != nil {
				_ = say.Encode(message{Empty: v.String()})
			}
		}
	}
	o.Differs = func(u search.Unrepeatable) { _ = say.Encode(message{Unclear: ofUnrepeatable(&u)}) }
	f, err := w.Subject.Search(ctx, o)
	if err != nil {
		return err
	}
	if f.Result != nil {
		_ = say.Encode(message{Found: asFound(f)})
	}
	return say.Encode(message{Done: &done{f.Through, f.Complete, f.Stuck, f.Pruned}})
}

// Orders reads what the pool says to this process: a number is the last
// schedule worth running; the end of the input means stop.
func Orders(in io.Reader) (context.Context, *atomic.Int64) {
	limit := &atomic.Int64{}
	limit.Store(math.MaxInt32)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { //wtsim:go no part of a run: it reads what the parent process says
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

// ShrinkTime is how long shrinking may take, in real time.
const ShrinkTime = time.Minute

// Stopper says when shrinking in this process has taken too long, or was
// interrupted.
func Stopper() func() bool {
	ctx, _ := Orders(os.Stdin)
	deadline := time.Now().Add(ShrinkTime) //wtsim:clock how long people wait, no part of a run
	return func() bool {
		return ctx.Err() != nil || time.Now().After(deadline) //wtsim:clock how long people wait, no part of a run
	}
}

// schedule returns a schedule of a search by its number, and the subject with
// its inputs.
func (w Work) schedule(o search.Options, number int) (scheduler.Schedule, search.Subject, error) {
	schedule, ok, err := w.Subject.Schedule(o, number)
	if err == nil && !ok {
		err = fmt.Errorf("there is no schedule %d", number)
	}
	if err != nil {
		return schedule, w.Subject, err
	}
	subject, err := w.Subject.Of(o, number)
	return schedule, subject, err
}
