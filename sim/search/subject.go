// Package search looks for a schedule of a scenario that violates a property,
// and reduces it.
//
// A [Subject] is what is searched: a simulation, and how its runs are made.
// [Subject.Search] runs schedules until one violates; what it finds is run again
// to see that it repeats ([Subject.Repeats]), reduced ([Subject.Shrink]), and
// kept as a [Counterexample].
package search

import (
	"encoding/json"
	"io"
	"os/exec"

	"github.com/wtsim/wtsim/internal/steady"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// Subject is what is searched: a simulation, and how its runs are made. It is
// a value, and may be used by several goroutines; runs of one process take
// turns.
type Subject struct {
	Simulation *sim.Simulation
	// Command starts a process for one run: one that calls [Subject.Serve]. The
	// runs of [Subject.Outside] are such processes.
	Command func() *exec.Cmd
	// Stderr, if not nil, gets what such a process prints past its run, but for
	// how it ends.
	Stderr io.Writer
	// Explain, if not nil, puts into words where a run that was repeated was
	// another one, and why.
	Explain Explain
	// Wanted, if not nil, says which violations a search, and a shrink, are for:
	// others are passed over.
	Wanted func(*sim.Result) bool

	outside, endless, stores bool
}

// Explain says where two runs of one plan part, and what may be the cause. It
// may make further runs to find out.
type Explain func(first, second *sim.Result, further Further) string

// Further makes further runs of a subject. The zero value makes none.
type Further struct {
	Again   func() *sim.Result // runs the plan once more
	Another func()             // runs another schedule
}

// Scenario returns the scenario, with its defaults filled in.
func (s Subject) Scenario() sim.Scenario { return s.Simulation.Scenario() }

// Outside returns the same subject with each of its runs a process of its own,
// so that one may end its process.
func (s Subject) Outside() Subject {
	s.outside = true
	return s
}

// WithStores returns the same subject, whose runs tell what each step has changed
// in stores.
func (s Subject) WithStores() Subject {
	s.stores = true
	return s
}

// wants tells whether a run is what a search is for.
func (s Subject) wants(r *sim.Result) bool {
	return r.Verdict == sim.Violated && (s.Wanted == nil || s.Wanted(r))
}

// since is the subject for further runs after one: where a handler has computed
// without end it still does, and runs of this process would stand beside it.
func (s Subject) since(r *sim.Result) Subject {
	if r.Busy && s.Command != nil {
		s.outside, s.endless = true, true
	}
	return s
}

// Run runs the scenario once, see [sim.Simulation.Run].
func (s Subject) Run(source scheduler.Source) *sim.Result {
	switch {
	case s.apart():
		return s.runApart(source)
	case s.stores:
		return s.Simulation.RunWatched(source, sim.WatchStores)
	}
	return s.Simulation.Run(source)
}

// watched is Run, with as much in its record as watch says.
func (s Subject) watched(source scheduler.Source, watch sim.Watch) *sim.Result {
	if s.apart() {
		return s.runApart(source)
	}
	return s.Simulation.RunWatched(source, watch)
}

// apart reports whether runs are processes.
func (s Subject) apart() bool { return s.outside }

// with is the subject with another simulation.
func (s Subject) with(simulation *sim.Simulation, err error) (Subject, error) {
	s.Simulation = simulation
	return s, err
}

// Drawn is the subject with the inputs of a seed, see [sim.Simulation.Drawn].
func (s Subject) Drawn(seed uint64) (Subject, error) { return s.with(s.Simulation.Drawn(seed)) }

// With is the subject with these inputs, see [sim.Simulation.With].
func (s Subject) With(inputs json.RawMessage) (Subject, error) {
	return s.with(s.Simulation.With(inputs))
}

// Without is the subject without a guarantee, see [sim.Simulation.Without].
func (s Subject) Without(guarantee string) (Subject, error) {
	return s.with(s.Simulation.Without(guarantee))
}

// Inputs are what the scenario has drawn, as a counterexample file has it; nil
// of one that draws nothing.
func (s Subject) Inputs() json.RawMessage {
	if s.Scenario().Generate == nil {
		return nil
	}
	raw, err := json.Marshal(s.Scenario().Inputs)
	if err != nil {
		return nil // cannot happen: they are numbers, strings and lists
	}
	return raw
}

// Of is the subject of one schedule of a search: with the inputs of seed
// FirstSeed + number - 1. A bounded search has those of FirstSeed alone, as
// have the runs of number 0, by which strategies learn what there is.
func (s Subject) Of(o Options, number int) (Subject, error) {
	first := max(o.FirstSeed, 1)
	if number == 0 || o.Strategy == "bounded" {
		return s.Drawn(first)
	}
	return s.Drawn(first + uint64(number) - 1)
}

// Steady prepares the process for many runs: one thread for Go code, so that
// equal calls of parallel goroutines keep one order, and no collector but
// ours. It returns what undoes it, to be called once. Calls may overlap, as
// those of parallel tests do: the last undo counts. [Subject.Search] and
// [Subject.Shrink] are steady by themselves.
func Steady() (undo func()) { return steady.Search() }
