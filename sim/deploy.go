package sim

import (
	"fmt"
	"time"

	"github.com/wtsim/wtsim/cloud"
)

// Function is one deployed function.
type Function struct {
	Name string
	// New makes the function's handler when a function instance starts. Its
	// operations count: a cold start is part of a run.
	New func(cloud.Env) (cloud.Handler, error)
	// Handler is the handler itself, of a function that needs no constructor;
	// New is nil then.
	Handler cloud.Handler
	// Old makes the handler of the revision before. If it is there, a rollout
	// is under way in which both serve.
	Old func(cloud.Env) (cloud.Handler, error)
	// Main is the program that the function is, see [Program]; New and Handler
	// are nil then.
	Main *Main

	// Triggers are what invokes the function besides HTTP requests. Each is of
	// a service of the scenario.
	Triggers []cloud.Trigger

	// Timeout is the time limit of an invocation, its instance's start
	// included; Concurrency how many invocations an instance serves at the
	// same time; MaxInstances how many instances there are at most, and
	// MinInstances at least: these are started when a run begins. What is zero
	// is the platform's.
	Timeout      time.Duration
	Concurrency  int
	MaxInstances int
	MinInstances int
	// ColdStart is how long an instance takes to start, before New is called.
	ColdStart time.Duration
	// AlwaysOn allocates CPU outside of invocations too; else what an instance
	// does by itself stops at its next operation until it is invoked again.
	AlwaysOn bool
}

func (f Function) withDefaults(p *cloud.Platform) Function {
	cloud.SetDefault(&f.Timeout, p.Timeout)
	cloud.SetDefault(&f.Concurrency, p.Concurrency)
	cloud.SetDefault(&f.MaxInstances, p.MaxInstances)
	if f.New == nil && !f.Handler.Empty() {
		h := f.Handler
		f.New = func(cloud.Env) (cloud.Handler, error) { return h, nil }
	}
	if f.Main != nil {
		f.Main = f.Main.withDefaults()
		if f.Main.Worker {
			f.AlwaysOn, f.MinInstances = true, max(1, f.MinInstances)
		}
	}
	return f
}

// construct is what makes a handler of an instance.
func (f *Function) construct(e *env) (cloud.Handler, error) {
	switch {
	case e.inst.old:
		return f.Old(e)
	case f.Main != nil:
		return e.startProgram()
	}
	return f.New(e)
}

func (f Function) validate(p *cloud.Platform) error {
	switch {
	case f.New == nil && f.Main == nil:
		return fmt.Errorf("function %q has neither New nor Handler nor Main", f.Name)
	case f.New != nil && f.Main != nil:
		return fmt.Errorf("function %q has Main and New or Handler, wanted one of them", f.Name)
	case min(f.Timeout, f.ColdStart) < 0 || min(f.Concurrency, f.MaxInstances, f.MinInstances) < 0:
		return fmt.Errorf("function %q: %w", f.Name, cloud.ErrNegative)
	case f.Concurrency > p.MostAtOnce:
		return fmt.Errorf("function %q serves %d invocations at the same time, wanted at most %d", f.Name, f.Concurrency, p.MostAtOnce)
	case f.MinInstances > f.MaxInstances:
		return fmt.Errorf("function %q has %d instances at least and %d at most", f.Name, f.MinInstances, f.MaxInstances)
	}
	if f.Main != nil {
		if err := f.Main.validate(); err != nil {
			return fmt.Errorf("function %q: its Main %w", f.Name, err)
		}
	}
	for i, t := range f.Triggers {
		if err := t.Check(); err != nil {
			return fmt.Errorf("function %q, triggers[%d]: %w", f.Name, i, err)
		}
	}
	return nil
}
