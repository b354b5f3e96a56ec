package workers

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"time"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// mostOutside is how many runs shrinking may take where each is a process.
const mostOutside = 1000

// examined lets a child look at a schedule: it runs and shrinks it.
func (p *Pool) examined(number int) (*Finding, error) {
	if f := p.fatal[number]; f != nil {
		return p.examineFatal(number, f)
	}
	var out bytes.Buffer
	c, err := NewChild(p.Command(), Job{examineJob, append([]int{number}, p.lostOf(number)...)}, &out, p.Stderr)
	if err != nil {
		return nil, err
	}
	done, gone := make(chan struct{}), make(chan struct{})
	go func() { //wtsim:go no part of a run: it passes an interrupt on to a process
		defer close(gone)
		select {
		case <-p.Interrupts:
			p.interrupted = true
			c.Stop()
		case <-done:
		}
	}()
	code, fatal, err := c.Run()
	close(done)
	<-gone
	found := p.found[number]
	switch {
	case fatal != nil && found == nil:
		return p.examineFatal(number, fatal)
	case fatal != nil: // it was confirmed where it was found: another plan has done that
		err = fmt.Errorf("the process that was to report was ended by a handler: %s", fatal.Why)
	}
	f := &Finding{}
	if err == nil && code != 0 {
		err = fmt.Errorf("the process that was to report has ended with exit code %d", code)
	}
	if err == nil {
		err = gob.NewDecoder(&out).Decode(f)
	}
	if err != nil && found != nil && found.Counterexample != nil { // what was found is kept
		found.Trouble = err.Error() + "; the counterexample is kept as it was found"
		return found, nil
	}
	return f, err
}

// examineFatal looks at a schedule in which a handler has ended the process:
// its plan is what the schedule journals before it dies, reduced in processes
// of their own.
func (p *Pool) examineFatal(number int, fatal *search.Fatal) (*Finding, error) {
	schedule, plan, err := p.journaled(number)
	if err != nil {
		return nil, err
	}
	f := newFinding(schedule)
	if p.found[number] == nil {
		p.found[number] = f
	}
	of, err := p.Subject.Of(p.Options, number)
	if err != nil {
		return nil, err
	}
	of = of.Outside()
	first := repeatFatal(of, plan, fatal.Violation().Property)
	if first == nil {
		f.Verdict = sim.Inconclusive
		f.Why = p.notRepeatable(number, "a handler has ended the process, but not when the same plan was run again")
		f.Shrunk = search.AsFound(&sim.Result{Verdict: sim.Violated, Violation: fatal.Violation(), Stack: fatal.Stack, Record: &scheduler.Record{Plan: plan}})
		return f, nil
	}
	shrunk := search.AsFound(first)
	if !p.NoShrink {
		shrunk, of = of.Shrink(first, p.outsideStopper())
	}
	shrunk.Found = len(plan)
	f.violates(shrunk, of)
	return f, nil
}

// repeatFatal runs a plan that has ended its process until it does so again,
// three times at most: goroutines that the runtime interleaves need not meet
// each time. It returns nil if it never does.
func repeatFatal(s search.Subject, plan scheduler.Plan, property string) *sim.Result {
	for range 3 {
		if r := s.Run(scheduler.NewReplay(plan)); r.Verdict == sim.Violated && r.Violation.Property == property {
			return r
		}
	}
	return nil
}

// outsideStopper says when shrinking by processes has taken too long, or was
// interrupted.
func (p *Pool) outsideStopper() func() bool {
	runs, deadline := 0, time.Now().Add(ShrinkTime) //wtsim:clock how long people wait, no part of a run
	return func() bool {
		select {
		case <-p.Interrupts:
			p.interrupted = true
		default:
		}
		runs++
		return p.interrupted || runs > mostOutside || time.Now().After(deadline) //wtsim:clock how long people wait, no part of a run
	}
}
