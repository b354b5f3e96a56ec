package command

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/wtsim/wtsim/sim"
)

// search is one search, as its parent process sees it.
type search struct {
	app         *app
	options     *runOptions
	args        []string
	began       time.Time
	workers     []*worker
	events      chan workerEvent
	view        *view
	yields      map[string]*yield
	what        string // the property that the lowest schedule violates
	first       int    // the lowest schedule that violates; 0 if none is known
	fatal       map[int]*sim.Fatal
	why         string // a run that could not be judged
	whyAt       int    // its schedule: the lowest counts
	interrupted bool
	timeUp      bool
	orders      map[uint64]bool // partial orders that runs have shown
	covered     sim.Coverage
	pruned      int
}

// worker is one child process of a search.
type worker struct {
	*child
	at    int // the schedule that it runs
	ran   int
	whole bool
	done  bool
}

type workerEvent struct {
	worker  *worker
	message message
	fatal   *sim.Fatal // with ended
	ended   bool
	err     error
}

// supervise runs a search in child processes and reports its end.
func (a *app) supervise(o *runOptions, args []string) (int, error) {
	s := &search{app: a, options: o, args: args, began: time.Now(), fatal: map[int]*sim.Fatal{}, orders: map[uint64]bool{},
		events: make(chan workerEvent), view: newView(a.stderr, o.progress), yields: map[string]*yield{}}
	defer s.view.clear()
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(interrupts)
	if o.single {
		return s.report(1, 1, interrupts)
	}
	if err := s.start(); err != nil {
		return 0, err
	}
	if err := s.follow(interrupts); err != nil {
		return 0, err
	}
	s.view.clear()
	if s.first == 0 {
		return s.nothing()
	}
	return s.report(s.first, s.first, interrupts)
}

func (s *search) start() error {
	for i := range s.options.workers {
		out, in := io.Pipe()
		c, err := newChild(fmt.Sprintf("search %d %d", i, s.options.workers), s.args, in, s.view)
		if err != nil {
			return err
		}
		w := &worker{child: c}
		if err := c.cmd.Start(); err != nil {
			return fmt.Errorf("a worker could not be started: %w", err)
		}
		s.workers = append(s.workers, w)
		heard := make(chan struct{})
		go s.listen(w, out, heard)
		go func() {
			_, fatal, err := w.wait()
			_ = in.Close()
			<-heard // what it said comes before its end
			s.events <- workerEvent{worker: w, ended: true, fatal: fatal, err: err}
		}()
	}
	return nil
}

// listen passes on what a worker prints.
func (s *search) listen(w *worker, out io.Reader, heard chan<- struct{}) {
	defer close(heard)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var m message
		if err := json.Unmarshal(lines.Bytes(), &m); err == nil {
			s.events <- workerEvent{worker: w, message: m}
		}
	}
}

// follow takes note of what workers say until all have ended.
func (s *search) follow(interrupts <-chan os.Signal) error {
	var timeUp <-chan time.Time
	if s.options.duration > 0 {
		timeUp = time.After(s.options.duration)
	}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for running := len(s.workers); running > 0; {
		select {
		case <-interrupts:
			s.interrupted = true
			s.stop()
		case <-timeUp:
			s.timeUp = true
			s.stop()
		case <-tick.C:
			s.view.show(s.figures())
		case e := <-s.events:
			if e.ended {
				running--
			}
			if err := s.note(e); err != nil {
				s.stop()
				return err
			}
		}
	}
	return nil
}

// note takes in one event of a worker. The error is one of ours.
func (s *search) note(e workerEvent) error {
	w := e.worker
	var killed *killedError
	switch m := e.message; {
	case e.fatal != nil:
		s.fatal[w.at] = e.fatal
		s.found(w.at, e.fatal.Why)
	case errors.As(e.err, &killed):
		s.why = killed.Error()
	case e.ended && e.err == nil && !w.done:
		return errors.New("a worker ended before its work was done")
	case e.ended:
		return e.err
	case m.Done:
		w.done, w.ran, w.whole = true, m.Ran, m.Whole
		s.covered.Merge(m.Taken, m.Missing)
		s.pruned = max(s.pruned, m.Pruned) // every worker enumerates all
		if m.Why != "" && (s.why == "" || m.At < s.whyAt) {
			s.why, s.whyAt = m.Why, m.At
		}
	case m.Order != 0:
		s.ended(m)
	case m.Found > 0:
		s.found(m.Found, fmt.Sprintf("property %q violated", m.What))
	default:
		w.at = m.At
		w.ran++
	}
	return nil
}

// ended takes note of a schedule that has ended.
func (s *search) ended(m message) {
	y := s.yields[m.By]
	if y == nil {
		y = &yield{}
		s.yields[m.By] = y
	}
	y.schedules++
	if !s.orders[m.Order] {
		s.orders[m.Order] = true
		y.news++
	}
	s.covered.Merge(m.Taken, m.Missing)
}

// figures are what there is to show.
func (s *search) figures() figures {
	f := figures{scenario: s.options.scenario, ran: s.ran(), total: s.options.schedules, workers: len(s.workers),
		spent: time.Since(s.began), most: s.options.duration, behaviours: len(s.orders), yields: s.yields}
	f.covered, f.coverable = s.covered.Counts()
	if s.first > 0 {
		f.finding = fmt.Sprintf("schedule %d: %s", s.first, s.what)
	}
	return f
}

// found keeps the lowest schedule that violates; workers need not go beyond
// it.
func (s *search) found(number int, what string) {
	if s.first != 0 && s.first <= number {
		return
	}
	s.first, s.what = number, what
	for _, w := range s.workers {
		_, _ = fmt.Fprintln(w.stdin, number)
	}
}

func (s *search) stop() {
	for _, w := range s.workers {
		_ = w.stdin.Close()
	}
}

func (s *search) ran() int {
	n := 0
	for _, w := range s.workers {
		n += w.ran
	}
	return n
}

// nothing reports a search that found no violation.
func (s *search) nothing() (int, error) {
	complete := true
	for _, w := range s.workers {
		complete = complete && w.whole
	}
	o := outcome{Scenario: s.options.scenario, Verdict: sim.Held, Schedules: s.ran(), Complete: &complete, ElapsedNS: time.Since(s.began).Nanoseconds()}
	switch {
	case s.why != "":
		o.Verdict, o.Why, complete = sim.Inconclusive, s.why, false
	case s.options.exhaustive && !complete:
		o.Verdict, o.Why = sim.Inconclusive, fmt.Sprintf("the schedules with at most %s were not all run", deviations(s.options.bound))
	}
	s.statistics(&o)
	if s.options.strategy == "bounded" { // all schedules have the same inputs
		of, err := s.options.simulation.Of(s.options.search(), 1)
		if err != nil {
			return 0, err
		}
		o.Inputs = drawn(of)
	}
	code := exitOf(o.Verdict)
	if s.interrupted {
		code = exitInterrupted
	}
	if s.options.asJSON {
		return code, o.print(s.app.stdout)
	}
	if s.interrupted {
		fmt.Fprintln(s.app.stdout, "interrupted")
	}
	fmt.Fprintln(s.app.stdout, o.sentence(deviations(s.options.bound)))
	tellInputs(s.app.stdout, o)
	fmt.Fprintln(s.app.stdout, o.statistics())
	return code, nil
}

// statistics fills in what the search has seen.
func (s *search) statistics(o *outcome) {
	taken, missing := s.covered.Cases()
	o.Behaviours, o.Pruned = len(s.orders), s.pruned
	o.Covered, o.Coverable, o.Uncovered = len(taken), len(taken)+len(missing), missing
	o.PerSecond = float64(o.Schedules) / (float64(o.ElapsedNS) / 1e9)
}

func deviations(n int) string {
	if n == 1 {
		return "1 deviation"
	}
	return fmt.Sprintf("%d deviations", n)
}

// report lets a child tell the schedule that violates: it runs, shrinks and
// saves it.
func (s *search) report(number, ran int, interrupts <-chan os.Signal) (int, error) {
	if f := s.fatal[number]; f != nil {
		return s.reportFatal(number, ran, f)
	}
	job := fmt.Sprintf("report %d %d %d", number, ran, time.Since(s.began).Nanoseconds())
	c, err := newChild(job, s.args, s.app.stdout, s.app.stderr)
	if err != nil {
		return 0, err
	}
	done := make(chan struct{})
	go func() {
		select {
		case <-interrupts:
			s.interrupted = true
			_ = c.stdin.Close()
		case <-done:
		}
	}()
	code, fatal, err := c.run()
	close(done)
	switch {
	case err != nil:
		return 0, err
	case fatal != nil:
		return s.reportFatal(number, ran, fatal)
	case s.interrupted:
		return exitInterrupted, nil
	}
	return code, nil
}
