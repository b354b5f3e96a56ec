package workers

import (
	"errors"
	"fmt"
	"io"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim/search"
)

// worker is one part of the work of a search: a child process, and the next
// one where that did not live to the end.
type worker struct {
	*Child
	index    int
	at       int // the schedule that it runs
	through  int // every schedule of its share up to here was run
	ran      int
	lost     []int // schedules that must not be run again
	restarts int
	judged   int // runs of this process that came to their end
	done     *done
}

// exitTrouble is the exit code of a process that has said what is wrong with
// its arguments, or with what it was given.
const exitTrouble = 2

// mostRestarts is how often a worker is started again.
const mostRestarts = 5

// start starts a process that goes on where the worker is.
func (p *Pool) start(w *worker) error {
	out, in := io.Pipe()
	part, parts := w.index, p.Workers
	if p.Shards > 0 { // a shard's lanes, or turns, are dealt among its workers
		part, parts = p.Shard-1+p.Shards*w.index, p.Shards*p.Workers
	}
	c, err := NewChild(p.Command(), Job{searchJob, append([]int{part, parts, w.through}, w.lost...)}, in, p.Stderr)
	if err != nil {
		return err
	}
	w.Child, w.judged, w.done, w.at = c, 0, nil, 0
	if err := c.Start(); err != nil {
		return fmt.Errorf("a worker could not be started: %w", err)
	}
	if p.first > 0 {
		_, _ = fmt.Fprintln(w.stdin, p.first)
	}
	p.running++
	heard := make(chan struct{})
	go p.listen(w, out, heard) //wtsim:go no part of a run: it reads what a process says
	go func() {                //wtsim:go no part of a run: it waits for a process
		code, fatal, err := c.Wait()
		_ = in.Close()
		<-heard // what it said comes before its end
		p.events <- workerEvent{worker: w, ended: true, code: code, fatal: fatal, err: err}
	}()
	return nil
}

// ended takes in a schedule that has ended.
func (w *worker) ended(e *ended) {
	w.ran++
	w.through = e.Number
	if e.Stuck {
		w.lost = append(w.lost, e.Number)
	} else {
		w.judged++
	}
}

// hasEnded deals with the end of a worker's process. One that did not live to
// the end of its work is followed by another, which goes on after the schedule
// that it was at. The error is one of ours.
func (p *Pool) hasEnded(e workerEvent) error {
	w := e.worker
	why, err := p.whyEnded(e)
	if exit := (*search.Exit)(nil); errors.As(err, &exit) {
		e.fatal, err = exit.Fatal(), nil
	}
	switch {
	case e.fatal != nil:
		p.fatal[w.at] = e.fatal
		if w.at > w.through { // else it has ended, and one before it was run again
			w.through, w.ran = w.at, w.ran+1
		}
		p.violates(w.at, e.fatal.Why)
		return nil
	case err != nil, w.done != nil && !w.done.Stuck, p.interrupted, p.timeUp:
		return err
	}
	if w.at > w.through { // what it was at
		w.lost, w.through, w.ran = append(w.lost, w.at), w.at, w.ran+1
		p.unclear.note(w.at, fmt.Sprintf("%s, in schedule %d", why, w.at))
	}
	switch {
	case p.first > 0 && w.through >= p.first: // what is left is of no interest
		return nil
	case w.restarts == mostRestarts:
		p.unclear.note(w.through+1, fmt.Sprintf("a worker has ended %d times, at last after schedule %d, and was not started again: %s", w.restarts+1, w.through, why))
		return nil
	case w.done != nil && w.judged == 0:
		return nil // nothing but stuck runs: so would be the next ones
	}
	w.restarts++
	return p.start(w)
}

// whyEnded says why a process ended before its work was done. The error is
// one of ours.
func (p *Pool) whyEnded(e workerEvent) (why string, err error) {
	var killed *killedError
	switch w := e.worker; {
	case errors.As(e.err, &killed):
		return killed.Error(), nil
	case e.err != nil:
		return "", e.err
	case w.done != nil:
		return "too many runs were stuck", nil
	case e.code == exitTrouble && w.at == 0:
		return "", errors.New("a worker ended before its work was done")
	}
	if w := e.worker; w.at > w.through { // while a schedule was run: nobody but a handler does that
		return "", &search.Exit{Code: e.code}
	}
	return fmt.Sprintf("a process of the search has ended itself with exit code %d", e.code), nil
}

// lostOf are the schedules that the worker of a schedule has lost.
func (p *Pool) lostOf(number int) []int {
	if len(p.workers) == 0 {
		return nil
	}
	parts := p.Workers * max(1, p.Shards)
	owner := scheduler.Owner(p.Options.Strategy, number, parts)
	return p.workers[owner/max(1, p.Shards)].lost
}
