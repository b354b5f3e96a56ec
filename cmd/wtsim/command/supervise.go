package command

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// supervisor is one search, as its parent process sees it.
type supervisor struct {
	app         *app
	options     *runOptions
	args        []string
	began       time.Time
	workers     []*worker
	total       int // schedules, as far as that is known; else 0
	running     int
	events      chan workerEvent
	interrupts  chan os.Signal
	view        *view
	yields      map[string]*yield
	first       int    // the lowest schedule that violates; 0 if none is known
	what        string // it does
	found       map[int]*found
	fatal       map[int]*search.Fatal
	unclear     unclear
	interrupted bool
	timeUp      bool
	seen        tally
	pruned      int
}

// unclear is the lowest schedule that could not be judged, if any.
type unclear struct {
	Schedule int    `json:"schedule"`
	Why      string `json:"why"`
}

func (u *unclear) note(number int, why string) {
	if why != "" && (u.Why == "" || number < u.Schedule) {
		*u = unclear{number, why}
	}
}

type workerEvent struct {
	worker  *worker
	message message
	code    int           // with ended
	fatal   *search.Fatal // with ended
	ended   bool
	err     error
}

// supervise runs a search in child processes and reports its end.
func (a *app) supervise(o *runOptions, args []string) (int, error) {
	s := &supervisor{app: a, options: o, args: args, began: time.Now(), fatal: map[int]*search.Fatal{}, found: map[int]*found{}, seen: newTally(),
		events: make(chan workerEvent), interrupts: make(chan os.Signal, 1), view: newView(a.stderr, o.progress), yields: map[string]*yield{}}
	defer s.view.clear()
	signal.Notify(s.interrupts, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(s.interrupts)
	if o.single {
		return s.report(1)
	}
	s.total = o.dealt(o.schedules)
	for i := range o.workers {
		w := &worker{index: i}
		s.workers = append(s.workers, w)
		if err := s.start(w); err != nil {
			return 0, err
		}
	}
	if err := s.follow(); err != nil {
		return 0, err
	}
	s.view.clear()
	if s.first == 0 {
		return s.nothing()
	}
	return s.report(s.first)
}

// listen passes on what a worker prints.
func (s *supervisor) listen(w *worker, out io.Reader, heard chan<- struct{}) {
	defer close(heard)
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil { // the last line may be cut
			return
		}
		var m message
		if err := json.Unmarshal(line, &m); err == nil {
			s.events <- workerEvent{worker: w, message: m}
		}
	}
}

// follow takes note of what workers say until all have ended.
func (s *supervisor) follow() error {
	var timeUp <-chan time.Time
	if s.options.duration > 0 {
		timeUp = time.After(s.options.duration)
	}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for s.running > 0 {
		select {
		case <-s.interrupts:
			s.interrupted = true
			s.stop()
		case <-timeUp:
			s.timeUp = true
			s.stop()
		case <-tick.C:
			s.view.show(s.figures())
		case e := <-s.events:
			if err := s.note(e); err != nil {
				s.stop()
				return err
			}
		}
	}
	return nil
}

// note takes in one event of a worker. The error is one of ours.
func (s *supervisor) note(e workerEvent) error {
	w := e.worker
	switch m := e.message; {
	case e.ended:
		s.running--
		return s.hasEnded(e)
	case m.At > 0:
		w.at = m.At
	case m.Ended != nil:
		w.ended(m.Ended)
		s.yielded(m.Ended)
		s.seen.add(m.Ended)
		s.unclear.note(m.Ended.Number, m.Ended.Why)
	case m.Unclear != nil:
		s.unclear.note(m.Unclear.Schedule, m.Unclear.Why)
	case m.Found != nil:
		s.found[m.Found.Number] = m.Found
		s.violates(m.Found.Number, fmt.Sprintf("property %q violated", m.Found.Reported.Outcome.Violation.Property))
	case m.Done != nil:
		w.done, w.through = m.Done, max(w.through, m.Done.Through)
		s.pruned = max(s.pruned, m.Done.Pruned) // every worker enumerates all
	}
	return nil
}

// violates keeps the lowest schedule that violates; workers need not go beyond
// it.
func (s *supervisor) violates(number int, what string) {
	if s.first != 0 && s.first <= number {
		return
	}
	s.first, s.what = number, what
	for _, w := range s.workers {
		_, _ = fmt.Fprintln(w.stdin, number)
	}
}

func (s *supervisor) stop() {
	for _, w := range s.workers {
		_ = w.stdin.Close()
	}
}

func (s *supervisor) ran() int {
	n := 0
	for _, w := range s.workers {
		n += w.ran
	}
	return n
}

// nothing reports a search that found no violation.
func (s *supervisor) nothing() (int, error) {
	whole := true
	for _, w := range s.workers {
		whole = whole && w.done != nil && w.done.Whole
	}
	complete := whole && s.unclear.Why == "" && s.options.shards == 0 // a shard is no space
	r := &reported{Outcome: outcome{Scenario: s.options.scenario, Verdict: sim.Held, Schedules: s.ran(), Complete: &complete}}
	o := &r.Outcome
	switch {
	case s.unclear.Why != "":
		o.Verdict, o.Why = sim.Inconclusive, s.unclear.Why
	case s.options.exhaustive && !whole:
		o.Verdict, o.Why = sim.Inconclusive, notAllRun(s.options.bound)
	}
	o.Pruned = s.pruned
	s.seen.statistics(o, math.MaxInt)
	if s.options.strategy == "bounded" { // all schedules have the same inputs
		of, err := s.options.subject.Of(s.options.search(), 1)
		if err != nil {
			return 0, err
		}
		o.Inputs = drawn(of)
	}
	s.finish(o)
	r.Text = o.nothingText(s.options.bound)
	if s.interrupted {
		r.Text = "interrupted\n" + r.Text
	}
	return s.tell(r, s.keep(r, 0, whole))
}

func notAllRun(bound int) string { return "the schedules" + atMost(bound) + " were not all run" }

// atMost says what schedules a bound leaves.
func atMost(bound int) string {
	if bound == unbounded {
		return ""
	}
	return " with at most " + deviations(bound)
}

func deviations(n int) string {
	if n == 1 {
		return "1 deviation"
	}
	return fmt.Sprintf("%d deviations", n)
}

// report tells the schedule that violates, and saves it.
func (s *supervisor) report(number int) (int, error) {
	r, err := s.examine(number)
	if err != nil {
		return 0, err
	}
	if r.Outcome.Verdict == sim.Inconclusive {
		s.unclear.note(number, r.Outcome.Why)
		r.because(s.unclear, number)
	}
	o := &r.Outcome
	o.Schedules = s.options.dealt(number)
	if f := s.found[number]; f != nil {
		o.Pruned = f.Pruned
	}
	if !s.options.single {
		s.seen.statistics(o, number)
	}
	s.finish(o)
	var trouble []error
	if r.Trouble != "" {
		trouble = append(trouble, errors.New(r.Trouble))
	}
	if r.Counterexample != nil {
		trouble = append(trouble, r.save(s.options.path(number)))
	}
	trouble = append(trouble, s.keep(r, number, false))
	r.addEnd(!s.options.single)
	return s.tell(r, errors.Join(trouble...))
}

// examine lets a child look at a schedule: it runs and shrinks it.
func (s *supervisor) examine(number int) (*reported, error) {
	if f := s.fatal[number]; f != nil {
		return s.tellFatal(number, f)
	}
	var out bytes.Buffer
	c, err := newChild(fmt.Sprintf("report %d%s", number, s.lostOf(number)), s.args, &out, s.app.stderr)
	if err != nil {
		return nil, err
	}
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		select {
		case <-s.interrupts:
			s.interrupted = true
			_ = c.stdin.Close()
		case <-done:
		}
	}()
	code, fatal, err := c.run()
	close(done)
	<-gone
	f := s.found[number]
	switch {
	case fatal != nil && f == nil:
		return s.tellFatal(number, fatal)
	case fatal != nil: // it was confirmed where it was found: another plan has done that
		err = fmt.Errorf("the process that was to report was ended by a handler: %s", fatal.Why)
	}
	r := &reported{}
	if err == nil && code != exitHeld {
		err = fmt.Errorf("the process that was to report has ended with exit code %d", code)
	}
	if err == nil {
		err = json.Unmarshal(out.Bytes(), r)
	}
	if err != nil && f != nil && f.Reported != nil { // what was found is kept
		f.Reported.Trouble = err.Error() + "; the counterexample is kept as it was found"
		return f.Reported, nil
	}
	return r, err
}

// finish fills in what is known at the end.
func (s *supervisor) finish(o *outcome) {
	o.ElapsedNS = time.Since(s.began).Nanoseconds()
	if s.options.shards > 0 {
		o.Shard = fmt.Sprintf("%d/%d", s.options.shard, s.options.shards)
	}
	if !s.options.single {
		o.PerSecond = float64(s.ran()) / (float64(o.ElapsedNS) / 1e9)
	}
}

// tell prints what is reported, and what has gone wrong besides.
func (s *supervisor) tell(r *reported, trouble error) (int, error) {
	code := s.app.print(r, s.options.asJSON, trouble)
	if s.interrupted {
		code = exitInterrupted
	}
	return code, nil
}
