package command

import (
	"errors"
	"fmt"
	"io"

	"github.com/wtsim/wtsim/scheduler"
)

// worker is one part of the work of a search: a child process, and the next
// one where that did not live to the end.
type worker struct {
	*child
	index    int
	at       int // the schedule that it runs
	through  int // every schedule of its share up to here was run
	ran      int
	lost     []int // schedules that must not be run again
	restarts int
	judged   int // runs of this process that came to their end
	done     *done
}

// mostRestarts is how often a worker is started again.
const mostRestarts = 5

// start starts a process that goes on where the worker is.
func (s *supervisor) start(w *worker) error {
	out, in := io.Pipe()
	o := s.options
	part, parts := w.index, o.workers
	if o.shards > 0 { // a shard's lanes, or turns, are dealt among its workers
		part, parts = o.shard-1+o.shards*w.index, o.shards*o.workers
	}
	c, err := newChild(fmt.Sprintf("search %d %d %d%s", part, parts, w.through, numbers(w.lost)), s.args, in, s.view)
	if err != nil {
		return err
	}
	w.child, w.judged, w.done, w.at = c, 0, nil, 0
	if err := c.start(); err != nil {
		return fmt.Errorf("a worker could not be started: %w", err)
	}
	if s.first > 0 {
		_, _ = fmt.Fprintln(w.stdin, s.first)
	}
	s.running++
	heard := make(chan struct{})
	go s.listen(w, out, heard)
	go func() {
		code, fatal, err := c.wait()
		_ = in.Close()
		<-heard // what it said comes before its end
		s.events <- workerEvent{worker: w, ended: true, code: code, fatal: fatal, err: err}
	}()
	return nil
}

// numbers are arguments of a job.
func numbers(list []int) string {
	s := ""
	for _, n := range list {
		s += fmt.Sprint(" ", n)
	}
	return s
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
func (s *supervisor) hasEnded(e workerEvent) error {
	w := e.worker
	why, err := s.whyEnded(e)
	switch {
	case e.fatal != nil:
		s.fatal[w.at] = e.fatal
		if w.at > w.through { // else it has ended, and one before it was run again
			w.through, w.ran = w.at, w.ran+1
		}
		s.violates(w.at, e.fatal.Why)
		return nil
	case err != nil, w.done != nil && !w.done.Stuck, s.interrupted, s.timeUp:
		return err
	}
	if w.at > w.through { // what it was at
		w.lost, w.through, w.ran = append(w.lost, w.at), w.at, w.ran+1
		s.unclear.note(w.at, fmt.Sprintf("%s, in schedule %d", why, w.at))
	}
	switch {
	case s.first > 0 && w.through >= s.first: // what is left is of no interest
		return nil
	case w.restarts == mostRestarts:
		s.unclear.note(w.through+1, fmt.Sprintf("a worker has ended %d times, at last after schedule %d, and was not started again: %s", w.restarts+1, w.through, why))
		return nil
	case w.done != nil && w.judged == 0:
		return nil // nothing but stuck runs: so would be the next ones
	}
	w.restarts++
	return s.start(w)
}

// whyEnded says why a process ended before its work was done. The error is
// one of ours.
func (s *supervisor) whyEnded(e workerEvent) (why string, err error) {
	var killed *killedError
	switch w := e.worker; {
	case errors.As(e.err, &killed):
		return killed.Error(), nil
	case e.err != nil:
		return "", e.err
	case w.done != nil:
		return "too many runs were stuck", nil
	case e.code == exitUsage && w.at == 0:
		return "", errors.New("a worker ended before its work was done")
	}
	return fmt.Sprintf("a process of the search has ended itself with exit code %d", e.code), nil
}

// lostOf are the schedules that the worker of a schedule has lost, as
// arguments of a job.
func (s *supervisor) lostOf(number int) string {
	o := s.options
	if len(s.workers) == 0 {
		return ""
	}
	parts := o.workers * max(1, o.shards)
	owner := scheduler.Owner(o.strategy, number, parts)
	return numbers(s.workers[owner/max(1, o.shards)].lost)
}
